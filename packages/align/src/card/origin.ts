import { type Directory, openGguf, parseHubId } from '@outrider/transformer'

/** Where a model comes from, and on which terms. */
export interface Origin {
  /** `org/name` on the Hub. */
  id?: string
  /** As the Hub names it: `apache-2.0`, or `other` with a name and a link. */
  license?: string
  licenseName?: string
  licenseLink?: string
}

/**
 * What a model's own files say of its origin: the front matter of README.md beside config.json, or the keys `general.*` of a GGUF
 * file. What they do not say is left out.
 *
 * @param files  the directory it was opened from, named `org/name` where it is of the Hub
 * @param file   a GGUF file in it
 * @throws OutriderError what reading throws
 */
export async function readOrigin(files: Directory, file?: string): Promise<Origin> {
  const id = parseHubId(files.name) ? files.name.replace(/@.*/, '') : undefined
  const said = file === undefined ? await ofReadme(files) : await ofGguf(files, file)
  return { ...(id !== undefined && { id }), ...said }
}

async function ofReadme(files: Directory): Promise<Origin> {
  if (!(await files.has('README.md'))) return {}
  const [, matter = ''] = /^\uFEFF?---\r?\n(.*?)\r?\n---/s.exec(await files.readText('README.md')) ?? []
  const scalar = (key: string) => {
    const [, value] = new RegExp(`^${key}:[ \\t]*(\\S.*?)[ \\t\\r]*$`, 'm').exec(matter) ?? []
    // A list of several, or a block: of these none is passed on in place of all.
    return value === undefined || /^[[{|>&*#-]/.test(value) ? undefined : value.replace(/^(["'])(.*)\1$/, '$2')
  }
  return origin(scalar('license'), scalar('license_name'), scalar('license_link'))
}

async function ofGguf(files: Directory, file: string): Promise<Origin> {
  const { metadata } = await openGguf(files, file)
  const text = (key: string) => {
    const value = metadata.get(key)
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const page = text('general.repo_url') ?? text('general.source.repo_url')
  const [, name] = /^https?:\/\/huggingface\.co\/([^/?#]+\/[^/?#]+)\/?$/.exec(page ?? '') ?? []
  return {
    ...(name !== undefined && parseHubId(name) && { id: name }),
    ...origin(text('general.license'), text('general.license.name'), text('general.license.link')),
  }
}

const origin = (license?: string, licenseName?: string, licenseLink?: string): Origin => ({
  ...(license !== undefined && { license }),
  ...(licenseName !== undefined && { licenseName }),
  ...(licenseLink !== undefined && { licenseLink }),
})
