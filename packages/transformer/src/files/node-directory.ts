import { OutriderError } from '@outrider/tensor'
import { checkFileName, chunksOf, type Directory, type FileContent, fileMissing } from './directory'

/**
 * A folder on disk (Node). It is made when the first file is written. Writing goes to a temporary file beside the target,
 * is flushed to the disk and then renamed, so a crash never leaves half a file under a final name.
 *
 * @throws OutriderError UNSUPPORTED outside Node
 */
export function directory(path: string): Directory {
  const fs = nodeModule('node:fs/promises')
  const { join, dirname, basename } = nodeModule('node:path')
  const at = (file: string) => join(path, checkFileName(path, file))

  return {
    name: path,

    async list(folder) {
      const entries = await fs.readdir(folder ? at(folder) : path, { withFileTypes: true }).catch((error) => {
        throw readFailure(error, path, folder ?? '')
      })
      const files = entries.filter((entry) => !entry.isDirectory()).map((entry) => entry.name)
      return files.sort()
    },

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
        if (start === 0 && end === undefined) return await fs.readFile(at(file))
        await using handle = await fs.open(at(file), 'r')
        const bytes = new Uint8Array(Math.max(0, (end ?? (await handle.stat()).size) - start))
        let filled = 0
        while (filled < bytes.length) {
          const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled)
          if (bytesRead === 0) break
          filled += bytesRead
        }
        return bytes.subarray(0, filled)
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
        await fs.mkdir(dirname(target), { recursive: true })
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
        await fs.mkdir(dirname(target), { recursive: true })
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
  }

  async function writeSynced(file: string, content: FileContent): Promise<void> {
    await using handle = await fs.open(file, 'wx')
    for await (const chunk of chunksOf(content)) {
      let written = 0
      while (written < chunk.length)
        written += (await handle.write(chunk, written, chunk.length - written)).bytesWritten
    }
    await handle.sync()
  }

  /** Makes the rename itself durable, where the system lets a folder be synced. */
  async function syncFolder(folder: string): Promise<void> {
    const handle = await fs.open(folder, 'r').catch(() => null)
    await handle?.sync().catch(() => undefined)
    await handle?.close()
  }
}

type NodeModules = {
  'node:fs': typeof import('node:fs')
  'node:fs/promises': typeof import('node:fs/promises')
  'node:os': typeof import('node:os')
  'node:path': typeof import('node:path')
  'node:url': typeof import('node:url')
  'node:crypto': typeof import('node:crypto')
}

/** A module of Node, reached without an import, so that bundles for browsers hold no trace of it. */
export function nodeModule<Name extends keyof NodeModules>(name: Name): NodeModules[Name] {
  const found = globalThis.process?.getBuiltinModule?.(name)
  if (found) return found as unknown as NodeModules[Name]
  throw new OutriderError('UNSUPPORTED', 'Paths on disk need Node 20.16 or later.', {
    remedy:
      'In a browser, pass urlDirectory(address), opfsDirectory(path) or memoryDirectory(files) instead of a path.',
  })
}

let temporaries = 0
const temporarySuffix = () => `${globalThis.process.pid}-${++temporaries}`

function readFailure(error: unknown, path: string, file: string): unknown {
  if (error instanceof OutriderError) return error
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return file
      ? fileMissing(path, file, error)
      : new OutriderError('FILE_MISSING', `There is no directory ${path}.`, { remedy: 'Check the path.', cause: error })
  return new OutriderError(
    'FILE_MISSING',
    `${file ? `${path}/${file}` : path} cannot be read: ${reason(code, error)}.`,
    {
      remedy: 'Check its permissions.',
      cause: error,
      details: { directory: path, file, code },
    },
  )
}

function writeFailure(error: unknown, target: string): unknown {
  if (error instanceof OutriderError) return error
  const code = (error as NodeJS.ErrnoException).code
  // Content may fail of itself (a lost device while weights are read): that is not the disk's error.
  if (!code) return error
  const full = code === 'ENOSPC' || code === 'EDQUOT'
  return new OutriderError('FILE_WRITE', `${target} cannot be written: ${reason(code, error)}.`, {
    remedy: full ? 'Free some space or write elsewhere.' : 'Check the permissions, or write elsewhere.',
    cause: error,
    details: { file: target, code },
  })
}

const reasons: Record<string, string> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of the path is a file, not a directory',
}

const reason = (code: string | undefined, error: unknown): string => reasons[code ?? ''] ?? (error as Error).message
