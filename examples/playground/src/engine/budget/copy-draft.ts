import { type Directory, handleDirectory, within } from '@outrider/transformer'

/** Copies what lies directly in a draft's directory into a folder of its name, in one that the user picked. */
export async function copyDraft(from: Directory, picked: FileSystemDirectoryHandle, name: string): Promise<void> {
  const to = within(handleDirectory(picked), name)
  for (const file of await from.list()) await to.write(file, await from.read(file))
}
