import { type Directory, directory, nodeModule } from '@outrider/transformer'
import type { ReadableFile } from './lines'

/** A file of a directory, wherever that is. */
export interface FilePlace {
  directory: Directory
  file: string
}

/** A file by its path (Node), or inside a directory. */
export function openFile(file: string | FilePlace): ReadableFile {
  const { directory: folder, file: name } = placeOf(file)
  return {
    name: typeof file === 'string' ? file : `${folder.name}/${name}`,
    size: () => folder.size(name),
    read: (start, end) => folder.read(name, { start, end }),
  }
}

/** Where a file is: a path's (Node) folder, and its name there. */
export function placeOf(file: string | FilePlace): FilePlace {
  if (typeof file !== 'string') return file
  const { dirname, basename } = nodeModule('node:path')
  return { directory: directory(dirname(file)), file: basename(file) }
}
