import { OutriderError } from '@outrider/tensor'
import { type Directory, memoryDirectory } from '@outrider/transformer'

/** Addresses of files that lie beside the site, by path. */
type Files = Record<string, string>

const target = import.meta.glob<string>('../../../../packages/cli/assets/tiny-chat/*', {
  query: '?url',
  import: 'default',
  eager: true,
})
const draft = import.meta.glob<string>('../../assets/tiny-draft/*', { query: '?url', import: 'default', eager: true })
const tokenizer = Object.fromEntries(Object.entries(target).filter(([path]) => /\/tokenizer[^/]*$/.test(path)))

export const bundledTargetName = 'tiny-chat'

/** The chat model that comes with the site: a Hugging Face directory of 1.2 MB. */
export const bundledTarget = (): Promise<Directory> => fetched(bundledTargetName, target)

/** A draft for it, trained by train-draft.ts. It has the target's tokenizer. */
export const bundledDraft = (): Promise<Directory> => fetched('aligned tiny draft', { ...tokenizer, ...draft })

async function fetched(name: string, files: Files): Promise<Directory> {
  const contents = await Promise.all(
    Object.entries(files).map(async ([path, address]) => {
      const file = path.slice(path.lastIndexOf('/') + 1)
      return [file, await bytesOf(file, address)] as const
    }),
  )
  return memoryDirectory(Object.fromEntries(contents), name)
}

async function bytesOf(file: string, address: string): Promise<Uint8Array> {
  const response = await fetch(address).catch((error: Error) => ({ ok: false, statusText: error.message }) as Response)
  if (response.ok) return new Uint8Array(await response.arrayBuffer())
  throw new OutriderError(
    'NETWORK',
    `${file} of this site did not arrive: ${response.statusText || response.status}.`,
    {
      remedy: 'Check the connection and reload the page.',
    },
  )
}
