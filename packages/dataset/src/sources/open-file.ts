import { type FilePlace, filePlace } from '@outrider/transformer'
import type { ReadableFile } from './lines'

export type { FilePlace }

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
  return typeof file === 'string' ? filePlace(file) : file
}
