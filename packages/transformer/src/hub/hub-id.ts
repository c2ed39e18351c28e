export const defaultEndpoint = 'https://huggingface.co'

/** A model of a hub: `org/name`, and a branch, a tag or a commit. */
export interface HubId {
  name: string
  revision: string
}

/** Reads `org/name` or `org/name@revision`; undefined for what is not written so. */
export function parseHubId(text: string): HubId | undefined {
  const parts = /^([\w-][\w.-]*\/[\w-][\w.-]*)(?:@([\w./-]+))?$/.exec(text)
  return parts ? { name: parts[1]!, revision: parts[2] ?? 'main' } : undefined
}
