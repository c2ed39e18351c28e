import { OutriderError } from '@outrider/tensor'
import { checkFileName, type Directory, fileMissing, listed, readOnly } from './directory'
import { blobBytes } from './pieces'

/**
 * Files that a browser was given (dropped, or chosen in an input, with or without their folder) as a read-only directory.
 * Only what is asked for is read. Of chosen folders the outermost is left out of the names.
 *
 * @param files  in an input's `files`, or gathered from a drop
 * @param name   as error messages print it; default the outermost folder's name, or the only file's
 */
export function fileListDirectory(files: Iterable<File>, name?: string): Directory {
  const list = [...files]
  const paths = list.map((file) => file.webkitRelativePath || file.name)
  const outer = paths[0]?.includes('/') ? paths[0].slice(0, paths[0].indexOf('/') + 1) : ''
  const strip = outer !== '' && paths.every((path) => path.startsWith(outer)) ? outer.length : 0
  const known = new Map(list.map((file, i) => [paths[i]!.slice(strip), file]))
  const shown = name ?? (strip ? outer.slice(0, -1) : list.length === 1 ? list[0]!.name : 'the chosen files')

  const open = (file: string): File => {
    const found = known.get(checkFileName(shown, file))
    if (!found) throw fileMissing(shown, file)
    return found
  }
  const reading = <T>(file: string, work: () => Promise<T>): Promise<T> =>
    work().catch((cause: Error) => {
      if (cause instanceof OutriderError) throw cause
      throw new OutriderError('FILE_MISSING', `${shown}/${file} cannot be read: ${cause.message}`, {
        remedy: 'It may have changed or gone since it was chosen: choose it again.',
        cause,
        details: { directory: shown, file },
      })
    })
  return {
    name: shown,
    ...listed(shown, () => known.keys()),
    has: async (file) => known.has(checkFileName(shown, file)),
    size: async (file) => open(file).size,
    read: (file, { start = 0, end } = {}) => reading(file, async () => blobBytes(open(file).slice(start, end))),
    readText: (file) => reading(file, async () => new TextDecoder().decode(await blobBytes(open(file)))),
    ...readOnly(shown),
  }
}
