import { type Directory, memoryDirectory } from '@outrider/transformer'

/** Addresses of the files that lie beside the site, by name. */
const tinyChat = import.meta.glob<string>('../../../../packages/cli/assets/tiny-chat/*', {
  query: '?url',
  import: 'default',
  eager: true,
})

export const bundledTargetName = 'tiny-chat'

/** The chat model that comes with the site: a Hugging Face directory of 1.2 MB. */
export const bundledTarget = (): Promise<Directory> => fetchAll(bundledTargetName, tinyChat)

async function fetchAll(name: string, addresses: Record<string, string>): Promise<Directory> {
  const files = await Promise.all(
    Object.entries(addresses).map(async ([path, address]) => {
      const response = await fetch(address)
      if (!response.ok) throw new Error(`${address}: the server answered ${response.status} ${response.statusText}.`)
      return [path.slice(path.lastIndexOf('/') + 1), new Uint8Array(await response.arrayBuffer())] as const
    }),
  )
  return memoryDirectory(Object.fromEntries(files), name)
}
