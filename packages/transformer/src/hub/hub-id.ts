export const defaultEndpoint = 'https://huggingface.co'

/** A model of a hub: `org/name`, and a branch, a tag or a commit. */
export interface HubId {
  name: string
  revision: string
}

/**
 * Reads `org/name` or `org/name@revision`; undefined for what is not written so. Names are what the Hub allows: no `--`, which
 * parts them in the cache, and no `..`. A revision is a name of git: no part of it is empty or begins with a dot.
 */
export function parseHubId(text: string): HubId | undefined {
  const parts = /^(\w[\w.-]{0,95}\/\w[\w.-]{0,95})(?:@([\w-][\w.-]*(?:\/[\w-][\w.-]*)*))?$/.exec(text)
  if (!parts) return undefined
  const [, name, revision = 'main'] = parts as unknown as [string, string, string | undefined]
  if (/--|\.\.|[.-](?:\/|$)|\.git$/.test(name) || revision.includes('..') || revision.length > 200) return undefined
  return { name, revision }
}

/** The model, as `parseHubId` reads it, that a page of the Hub is about; undefined for other addresses, and for those of files. */
export function modelOfPage(address: string): string | undefined {
  const [, name, revision] =
    /^https?:\/\/(?:www\.)?(?:huggingface\.co|hf\.co)\/([^/?#]+\/[^/?#]+)(?:\/(?:tree|blob)\/([^/?#]+)[^?#]*)?\/?(?:[?#].*)?$/.exec(
      address,
    ) ?? []
  const id = revision === undefined || revision === 'main' ? name : `${name}@${revision}`
  return id !== undefined && parseHubId(id) ? id : undefined
}

/** Whether it is a whole commit hash, as folders of snapshots are named. */
export const isCommit = (text: unknown): text is string => typeof text === 'string' && /^[0-9a-f]{40}$/.test(text)
