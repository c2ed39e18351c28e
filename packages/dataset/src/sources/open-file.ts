import { type Directory, directory, nodeModule } from '@outrider/transformer'
import type { ReadableFile } from './lines'

/** A file by its path (Node), or inside a directory. */
export function openFile(file: string | { directory: Directory; file: string }): ReadableFile {
  const { directory: folder, file: name } = typeof file === 'string' ? inItsFolder(file) : file
  return {
    name: typeof file === 'string' ? file : `${folder.name}/${name}`,
    size: () => folder.size(name),
    read: (start, end) => folder.read(name, { start, end }),
  }
}

/** A path as the folder it is in and its name there. */
export function inItsFolder(path: string): { directory: Directory; file: string } {
  const { dirname, basename } = nodeModule('node:path')
  return { directory: directory(dirname(path)), file: basename(path) }
}
