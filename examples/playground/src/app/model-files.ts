import type { ModelSource } from '../engine/index'

/** Chosen or dropped files as a model's source: a folder's, or one GGUF file. Undefined for none. */
export function filesOf(files: readonly File[], folder?: string): ModelSource | undefined {
  const [first] = files
  if (!first) return undefined
  const name = folder ?? (files.length > 1 ? first.webkitRelativePath.split('/')[0] : undefined) ?? first.name
  return { kind: 'files', name: name || 'the chosen files', files: [...files] }
}

/** What was dropped: a folder with what lies directly in it, or files. */
export async function droppedModel(transfer: DataTransfer): Promise<ModelSource | undefined> {
  // The list is empty once the event is over: entries are taken from it at once.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry())
  const files = [...transfer.files]
  const folder = entries.find((entry) => entry?.isDirectory) as FileSystemDirectoryEntry | undefined
  return folder ? filesOf(await filesIn(folder), folder.name) : filesOf(files)
}

async function filesIn(folder: FileSystemDirectoryEntry): Promise<File[]> {
  const reader = folder.createReader()
  const files: File[] = []
  for (;;) {
    // A reader gives a part of a long list at a time, and nothing at its end.
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (entries.length === 0) return files
    for (const entry of entries)
      if (entry.isFile)
        files.push(await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)))
  }
}
