import type { Directory } from './directory'
import { directory } from './node-directory'
import { nodeModule } from './node-module'

/** A file of a directory, wherever that is. */
export interface FilePlace {
  directory: Directory
  file: string
}

/**
 * Where the file at a path is (Node): its folder, and its name there.
 *
 * @throws OutriderError UNSUPPORTED outside Node
 */
export function filePlace(path: string): FilePlace {
  const { dirname, basename } = nodeModule('node:path')
  return { directory: directory(dirname(path)), file: basename(path) }
}
