import { OutriderError } from '@outrider/tensor'
import { checkFileName, chunksOf, type Directory, fileMissing } from './directory'
import { blobBytes, writePieces } from './pieces'

/**
 * A folder that a browser gave a handle of: picked, dropped, or in the Origin Private File System (`opfsDirectory`). Writing
 * goes to a temporary file beside the target that is then moved there, so that a closed tab or a full quota never leaves half
 * a file under a final name. A folder that was dropped may be read; writing to it is refused unless the user allowed it.
 *
 * @param handle  the folder's handle, or what finds it when it is first needed
 * @param name    as error messages print it; default the folder's
 */
export function handleDirectory(
  handle: FileSystemDirectoryHandle | (() => Promise<FileSystemDirectoryHandle>),
  name = typeof handle === 'function' ? 'folder' : handle.name,
): Directory {
  const root = typeof handle === 'function' ? handle : async () => handle

  /** The folder that a file is in, and the file's name there. */
  async function place(file: string, create = false): Promise<{ folder: FileSystemDirectoryHandle; last: string }> {
    const parts = checkFileName(name, file).split('/')
    const last = parts.pop()!
    let folder = await root()
    for (const part of parts) folder = await folder.getDirectoryHandle(part, { create })
    return { folder, last }
  }
  const open = async (file: string): Promise<File> => {
    const { folder, last } = await place(file)
    return (await folder.getFileHandle(last)).getFile()
  }
  const reading = <T>(file: string, work: () => Promise<T>): Promise<T> =>
    work().catch((error) => {
      throw readFailure(error, name, file)
    })
  const writing = <T>(file: string, work: () => Promise<T>): Promise<T> =>
    work().catch((error) => {
      throw writeFailure(error, `${name}/${file}`)
    })

  const names = (folder: string | undefined, wanted: 'file' | 'directory') =>
    reading(folder ?? '', async () => {
      let found = await root()
      for (const part of folder ? checkFileName(name, folder).split('/') : [])
        found = await found.getDirectoryHandle(part)
      const all: string[] = []
      for await (const [entry, { kind }] of found.entries()) if (kind === wanted) all.push(entry)
      return all.sort()
    })

  return {
    name,

    list: (folder) => names(folder, 'file'),
    folders: (folder) => names(folder, 'directory'),

    async has(file) {
      return open(file).then(
        () => true,
        (error) => {
          if (isAbsent(error)) return false
          throw readFailure(error, name, file)
        },
      )
    },

    size: (file) => reading(file, async () => (await open(file)).size),

    read: (file, { start = 0, end } = {}) => reading(file, async () => blobBytes((await open(file)).slice(start, end))),

    readText: (file) => reading(file, async () => (await open(file)).text()),

    write: (file, content) =>
      writing(file, async () => {
        const { folder, last } = await place(file, true)
        const temporary = `.${last}.${crypto.randomUUID()}.tmp`
        try {
          const target = (await folder.getFileHandle(temporary, { create: true })) as MovableFileHandle
          await fill(await target.createWritable(), chunksOf(content))
          await target.move(last)
        } catch (error) {
          await folder.removeEntry(temporary).catch(() => undefined)
          throw error
        }
      }),

    append: (file, content, from) =>
      writing(file, async () => {
        const { folder, last } = await place(file, true)
        const target = await folder.getFileHandle(last, { create: true })
        const stream = await target.createWritable({ keepExistingData: true })
        await fill(stream, chunksOf(content), from ?? (await target.getFile()).size)
      }),

    move: (file, to) =>
      writing(to, async () => {
        const { folder, last } = await place(file)
        const target = await folder.getFileHandle(last).catch((error) => {
          throw isAbsent(error) ? fileMissing(name, file, error) : error
        })
        await (target as MovableFileHandle).move((await place(to)).last)
      }),

    remove: (file) =>
      writing(file, async () => {
        try {
          const { folder, last } = await place(file)
          await folder.removeEntry(last)
        } catch (error) {
          if (!isAbsent(error)) throw error
          return
        }
        // A folder goes with its last file; the browser keeps one that has others.
        if (!file.includes('/')) return
        const parent = await place(file.slice(0, file.lastIndexOf('/')))
        await parent.folder.removeEntry(parent.last).catch(() => undefined)
      }),
  }
}

/**
 * A folder of the browser's Origin Private File System, which outlives the tab, in a page or a worker. It is made when the
 * first file is written.
 *
 * @param path  folders below the root, with `/` between them
 * @throws OutriderError UNSUPPORTED, when it is first used, where there is no such file system
 */
export function opfsDirectory(path: string): Directory {
  checkFileName('the file system', path)
  return handleDirectory(async () => {
    const storage = globalThis.navigator?.storage
    let folder = await storage?.getDirectory?.().catch((cause: unknown) => {
      throw noStorage(cause)
    })
    if (!folder) throw noStorage()
    for (const part of path.split('/')) folder = await folder.getDirectoryHandle(part, { create: true })
    return folder
  }, path)
}

const noStorage = (cause?: unknown) =>
  new OutriderError('UNSUPPORTED', 'There is no Origin Private File System here.', {
    remedy: 'Use a current browser over https, outside private browsing; or memoryDirectory().',
    cause,
  })

/** All browsers with such handles can move a file within its folder; TypeScript's library does not know yet. */
type MovableFileHandle = FileSystemFileHandle & { move(name: string): Promise<void> }

/** Nothing of the file has changed where this throws: the browser writes beside it, too. */
async function fill(stream: FileSystemWritableFileStream, chunks: AsyncIterable<Uint8Array>, from = 0): Promise<void> {
  try {
    await stream.truncate(from)
    await stream.seek(from)
    for await (const chunk of chunks)
      await writePieces(chunk, async (piece) => {
        await stream.write(piece as Uint8Array<ArrayBuffer>)
        return piece.length
      })
    await stream.close()
  } catch (error) {
    await stream.abort().catch(() => undefined)
    throw error
  }
}

const isAbsent = (error: unknown): boolean => ['NotFoundError', 'TypeMismatchError'].includes((error as Error).name)

function readFailure(error: unknown, directory: string, file: string): unknown {
  if (!(error instanceof DOMException)) return error
  if (isAbsent(error) && file) return fileMissing(directory, file, error)
  const where = file ? `${directory}/${file}` : directory
  if (isAbsent(error))
    return new OutriderError('FILE_MISSING', `There is no directory ${where}.`, {
      cause: error,
      details: { directory },
    })
  return new OutriderError('FILE_MISSING', `${where} cannot be read: ${reason(error)}.`, {
    remedy: 'Drop or pick it again.',
    cause: error,
    details: { directory, file, code: error.name },
  })
}

function writeFailure(error: unknown, target: string): unknown {
  // Content may fail of itself (a lost device while weights are read): that is not the browser's error.
  if (!(error instanceof DOMException)) return error
  const full = error.name === 'QuotaExceededError'
  return new OutriderError('FILE_WRITE', `${target} cannot be written: ${reason(error)}.`, {
    remedy: full
      ? 'Free space on the disk, or delete what is stored for this site and no longer wanted; what was there is whole.'
      : 'Allow writing, close other tabs of this site, or write elsewhere.',
    cause: error,
    details: { file: target, code: error.name },
  })
}

const reasons: Record<string, string> = {
  QuotaExceededError: 'the storage that the browser gives this site is full',
  NotAllowedError: 'the permission was not given',
  NoModificationAllowedError: 'another tab is writing it',
  NotReadableError: 'it has changed or is locked',
  NotFoundError: 'its folder is gone',
  TypeMismatchError: 'a part of the path is a file where a folder is needed, or the other way round',
}

const reason = ({ name, message }: DOMException): string => reasons[name] ?? message
