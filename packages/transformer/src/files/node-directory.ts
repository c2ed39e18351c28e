import { checkFileName, chunksOf, type Directory, type FileContent, fileMissing } from './directory'
import { readFailure, writeFailure } from './file-failures'
import { makeFolders } from './make-folders'
import { nodeModule } from './node-module'
import { readPieces, systemBytes, writePieces } from './pieces'

/**
 * A folder on disk (Node). It is made when the first file is written. Writing goes to a temporary file beside the target,
 * is flushed to the disk and then renamed, so a crash never leaves half a file under a final name.
 *
 * @throws OutriderError UNSUPPORTED outside Node
 */
export function directory(path: string): Directory {
  return directoryInPieces(path, systemBytes)
}

/** The same, with the bytes that are asked of the system at once. */
export function directoryInPieces(path: string, pieceBytes: number): Directory {
  const fs = nodeModule('node:fs/promises')
  const { join, dirname, basename } = nodeModule('node:path')
  const at = (file: string) => join(path, checkFileName(path, file))

  async function names(
    folder: string | undefined,
    wanted: (entry: import('node:fs').Dirent) => boolean,
  ): Promise<string[]> {
    const entries = await fs.readdir(folder ? at(folder) : path, { withFileTypes: true }).catch((error) => {
      throw readFailure(error, path, folder ?? '')
    })
    return entries
      .filter(wanted)
      .map((entry) => entry.name)
      .sort()
  }

  return {
    name: path,

    list: (folder) => names(folder, (entry) => !entry.isDirectory()),

    folders: (folder) => names(folder, (entry) => entry.isDirectory()),

    async has(file) {
      return fs.stat(at(file)).then(
        (stat) => stat.isFile(),
        () => false,
      )
    },

    async size(file) {
      try {
        return (await fs.stat(at(file))).size
      } catch (error) {
        throw readFailure(error, path, file)
      }
    },

    async read(file, { start = 0, end } = {}) {
      try {
        const whole = start === 0 && end === undefined
        if (whole && (await fs.stat(at(file))).size <= pieceBytes) return await fs.readFile(at(file))
        await using handle = await fs.open(at(file), 'r')
        const bytes = new Uint8Array(Math.max(0, (end ?? (await handle.stat()).size) - start))
        const read = async (piece: Uint8Array, position: number) =>
          (await handle.read(piece, 0, piece.length, position)).bytesRead
        return await readPieces(bytes, read, { position: start, pieceBytes })
      } catch (error) {
        throw readFailure(error, path, file)
      }
    },

    async readText(file) {
      return new TextDecoder().decode(await this.read(file))
    },

    async write(file, content) {
      const target = at(file)
      const temporary = join(dirname(target), `.${basename(target)}.${temporarySuffix()}.tmp`)
      try {
        await makeFolders(dirname(target))
        await writeSynced(temporary, content)
        await fs.rename(temporary, target)
        await syncFolder(dirname(target))
      } catch (error) {
        await fs.rm(temporary, { force: true }).catch(() => undefined)
        throw writeFailure(error, target)
      }
    },

    async append(file, content, from) {
      const target = at(file)
      try {
        await makeFolders(dirname(target))
        await using handle = await fs.open(target, 'a')
        if (from !== undefined) await handle.truncate(from)
        await handle.appendFile(content)
        await handle.sync()
      } catch (error) {
        throw writeFailure(error, target)
      }
    },

    async remove(file) {
      try {
        await fs.rm(at(file), { force: true })
        // A folder goes with its last file.
        if (file.includes('/')) await fs.rmdir(dirname(at(file))).catch(() => {})
      } catch (error) {
        throw writeFailure(error, at(file))
      }
    },

    async move(file, name) {
      try {
        await fs.rename(at(file), at(name))
        await syncFolder(dirname(at(name)))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw fileMissing(path, file, error)
        throw writeFailure(error, at(name))
      }
    },
  }

  async function writeSynced(file: string, content: FileContent): Promise<void> {
    await using handle = await fs.open(file, 'wx')
    const write = async (piece: Uint8Array) => (await handle.write(piece)).bytesWritten
    for await (const chunk of chunksOf(content)) await writePieces(chunk, write, pieceBytes)
    await handle.sync()
  }

  /** Makes the rename itself durable, where the system lets a folder be synced. */
  async function syncFolder(folder: string): Promise<void> {
    const handle = await fs.open(folder, 'r').catch(() => null)
    await handle?.sync().catch(() => undefined)
    await handle?.close()
  }
}

let temporaries = 0
const temporarySuffix = () => `${globalThis.process.pid}-${++temporaries}`
