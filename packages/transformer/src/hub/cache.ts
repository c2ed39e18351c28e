import { OutriderError } from '@outrider/tensor'
import { checkFileName, type Directory, readOnly } from '../files/directory'
import { makeFolders } from '../files/make-folders'
import { directory } from '../files/node-directory'
import { nodeModule } from '../files/node-module'
import { type HubId, isCommit } from './hub-id'

/**
 * One model's place in a cache with the layout of Hugging Face's tools: blobs by hash, snapshots of links to them by commit,
 * and refs from branches to commits. What is there is followed only where it leads to a place inside the cache.
 */
export interface ModelCache {
  readonly store: string
  blob(hash: string): string
  /** What only one process at a time does to a blob is done under this file. */
  lock(hash: string): string
  snapshot(commit: string): string
  /** Makes the folder that a path is in. */
  makeRoom(path: string): Promise<void>
  /** Whether a path leads to a file of so many bytes, inside the cache. */
  holds(path: string, bytes: number): Promise<boolean>
  /** A snapshot as a directory to read from. */
  files(id: string, commit: string): Directory
  /** The commit that a revision was when the hub was last asked. */
  commitOf(revision: string): Promise<string | undefined>
  refer(revision: string, commit: string): Promise<void>
}

export function modelCache(place: string, { name }: HubId): ModelCache {
  const fs = nodeModule('node:fs/promises')
  const { join, dirname, basename, relative, resolve, isAbsolute, sep } = nodeModule('node:path')
  const cacheDirectory = resolve(place)
  const store = join(cacheDirectory, `models--${name.replace('/', '--')}`)

  async function isInside(path: string): Promise<boolean> {
    const way = relative(await fs.realpath(cacheDirectory), await fs.realpath(path))
    return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
  }
  /** Refuses what leads out of the cache; what is not there leads nowhere. */
  async function check(path: string): Promise<void> {
    const inside = await isInside(path).catch((error: NodeJS.ErrnoException) => error.code !== 'ELOOP')
    if (!inside)
      throw new OutriderError('FILE_FORMAT', `${path} leads out of the cache, ${cacheDirectory}.`, {
        remedy: 'Remove that link: what it leads to is not of the model.',
        details: { file: path },
      })
  }
  async function makeFolder(path: string): Promise<void> {
    await makeFolders(cacheDirectory)
    // What is there already is checked before anything is made below it.
    let there = path
    while (there !== cacheDirectory && !(await isAnything(there))) there = dirname(there)
    await check(there)
    await makeFolders(path)
  }
  const isAnything = (path: string) =>
    fs.lstat(path).then(
      () => true,
      () => false,
    )
  const snapshot = (commit: string) => join(store, 'snapshots', commit)
  const reference = (revision: string) => join(store, 'refs', ...revision.split('/'))

  return {
    store,
    blob: (hash) => join(store, 'blobs', hash),
    lock: (hash) => join(store, 'blobs', `${hash}.lock`),
    snapshot,
    makeRoom: (path) => makeFolder(dirname(path)),

    async holds(path, bytes) {
      try {
        const found = await fs.stat(path)
        return found.isFile() && found.size === bytes && (await isInside(path))
      } catch {
        return false
      }
    },

    files(id, commit) {
      const files = directory(snapshot(commit))
      const at = (file: string) => join(snapshot(commit), checkFileName(id, file))
      const checked =
        <Rest extends unknown[], Result>(read: (file: string, ...rest: Rest) => Promise<Result>) =>
        async (file: string, ...rest: Rest) => {
          await check(at(file))
          return read(file, ...rest)
        }
      return {
        name: id,
        async list(inner) {
          await check(inner ? at(inner) : snapshot(commit))
          return files.list(inner)
        },
        has: checked((file) => files.has(file)),
        size: checked((file) => files.size(file)),
        read: checked((file, range?: { start?: number; end?: number }) => files.read(file, range)),
        readText: checked((file) => files.readText(file)),
        ...readOnly(id),
      }
    },

    async commitOf(revision) {
      const path = reference(revision)
      if (isCommit(revision)) return revision
      await check(path)
      // A pipe would be waited for.
      if (!(await fs.stat(path).catch(() => undefined))?.isFile()) return undefined
      const text = await directory(dirname(path))
        .read(basename(path), { start: 0, end: 100 })
        .catch(() => new Uint8Array())
      const commit = new TextDecoder().decode(text).trim()
      return isCommit(commit) ? commit : undefined
    },

    async refer(revision, commit) {
      const path = reference(revision)
      await makeFolder(dirname(path))
      await directory(dirname(path)).write(basename(path), commit)
    },
  }
}
