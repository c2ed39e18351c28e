import { OutriderError } from '@outrider/tensor'
import type { Directory } from './directory'

/** How far a file is on its way into the store; what was there already counts. */
export interface KeepProgress {
  file: string
  keptBytes: number
  totalBytes: number
}

export interface KeepOptions {
  onProgress?: ((progress: KeepProgress) => void) | undefined
  /** Called, once, with why the files are not kept: then they are read from where they are. */
  onTrouble?: ((error: unknown) => void) | undefined
  /** Bytes that the store has room for, where that is known: what does not fit is not begun. */
  room?: (() => Promise<number | undefined>) | undefined
  signal?: AbortSignal | undefined
}

/** A file is kept in pieces of this size, each of them written whole or not at all. */
const pieceBytes = 16 * 2 ** 20

/**
 * A directory that is far (`urlDirectory`) with a store that is near (`opfsDirectory`, or any that can be written): files that
 * a loader asks to keep, which are those with the weights, are fetched once, and read from the store as long as the source
 * says that they are the same (its `version`, and their size). A download that broke off goes on where it was; pieces that
 * are gone or have another size are fetched again; of a file that has changed, the old pieces are removed. Where the store
 * fails (there is none, it is full, another tab holds a file), what is asked for comes from the source.
 *
 * @param source  what is kept; a file of which it has no `version` is not
 * @param store   may be shared by any number of sources
 */
export function keptDirectory(source: Directory, store: Directory, options: KeepOptions = {}): Directory {
  const opened = new Map<string, Promise<KeptFile | undefined>>()
  let isTold = false
  const trouble = (error: unknown) => {
    if (!isTold) options.onTrouble?.(error)
    isTold = true
  }

  /** What the store has of a file; undefined where it cannot have it. */
  function open(file: string): Promise<KeptFile | undefined> {
    const known = opened.get(file) ?? openKept(source, store, file).catch(() => undefined)
    opened.set(file, known)
    return known
  }

  return {
    ...source,
    async keep(file) {
      // Failures of the source are the loader's; those of the store are not.
      await source.size(file)
      const kept = await openKept(source, store, file).catch((error: unknown) => {
        trouble(error)
        return undefined
      })
      opened.set(file, Promise.resolve(kept))
      if (kept) await fill(kept, options, trouble)
    },
    async read(file, range = {}) {
      const kept = range.start === undefined && range.end === undefined ? undefined : await open(file)
      return kept && kept.present.size > 0 ? readKept(kept, range) : source.read(file, range)
    },
  }
}

/** What a store holds that `keptDirectory` filled, and a way to be rid of it. */
export function keptFiles(store: Directory) {
  return {
    /** Bytes of all that is kept. */
    async bytes(): Promise<number> {
      const sizes = (await store.list()).map((name) => store.size(name).catch(() => 0))
      return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
    },
    /**
     * Removes all of it. What is being read from it is read on from its source.
     *
     * @throws OutriderError FILE_WRITE where another tab holds a part of it; the rest is gone
     */
    async clear(): Promise<void> {
      const removed = await Promise.allSettled((await store.list()).map((name) => store.remove(name)))
      for (const { reason } of removed.filter((outcome) => outcome.status === 'rejected')) throw reason
    },
  }
}

/** A file of a source, with the pieces of it that the store has. */
interface KeptFile {
  source: Directory
  store: Directory
  file: string
  size: number
  /** Name of a piece: which file of all sources, which contents of it, and which piece. */
  nameOf: (piece: number) => string
  present: Set<number>
}

async function openKept(source: Directory, store: Directory, file: string): Promise<KeptFile | undefined> {
  // First, as where there is no storage there is nothing to make names with either.
  const names = new Set(await store.list())
  const [version, size] = [await source.version?.(file), await source.size(file)]
  if (version === undefined)
    throw new OutriderError('UNSUPPORTED', `${source.name}/${file}: nothing says when it changes, so it is not kept.`, {
      remedy: 'A server that sends an ETag or Last-Modified (and lets pages of other origins see it) lets it be kept.',
    })
  const of = await digest(`${source.name}/${file}`)
  const contents = await digest(`${version} ${size} ${pieceBytes}`)
  const nameOf = (piece: number) => `${of}.${contents}.${piece}`
  const present = new Set<number>()
  for (let piece = 0; piece * pieceBytes < size; piece++) {
    const { start, end } = bounds(size, piece)
    if (names.has(nameOf(piece)) && (await store.size(nameOf(piece))) === end - start) present.add(piece)
  }
  for (const name of names)
    if (name.startsWith(`${of}.`) && !name.startsWith(`${of}.${contents}.`))
      await store.remove(name).catch(() => undefined)
  return { source, store, file, size, nameOf, present }
}

/** Fetches what the store does not have yet. */
async function fill(kept: KeptFile, options: KeepOptions, trouble: (error: unknown) => void): Promise<void> {
  const { source, store, file, size, nameOf, present } = kept
  const pieces = Array.from({ length: Math.ceil(size / pieceBytes) }, (_, piece) => piece)
  const bytesOf = (piece: number) => bounds(size, piece).end - bounds(size, piece).start
  const missing = pieces.filter((piece) => !present.has(piece))
  const missingBytes = missing.reduce((sum, piece) => sum + bytesOf(piece), 0)
  let keptBytes = size - missingBytes
  options.onProgress?.({ file, keptBytes, totalBytes: size })
  const room = missing.length > 0 ? await options.room?.().catch(() => undefined) : undefined
  if (room !== undefined && room < missingBytes)
    return trouble(
      new OutriderError('FILE_WRITE', `${store.name} has room for ${room} bytes, and ${file} takes ${missingBytes}.`, {
        remedy: 'Delete what is stored and no longer wanted, or free space on the disk.',
        details: { file, code: 'QuotaExceededError' },
      }),
    )
  for (const piece of missing) {
    if (options.signal?.aborted)
      throw new OutriderError('ABORTED', `Fetching ${source.name}/${file} was aborted.`, {
        cause: options.signal.reason,
      })
    const bytes = await source.read(file, bounds(size, piece))
    if (bytes.length !== bytesOf(piece))
      throw new OutriderError('NETWORK', `${source.name}/${file} ended in piece ${piece}, before its ${size} bytes.`, {
        remedy: 'Try again.',
      })
    try {
      await store.write(nameOf(piece), bytes)
    } catch (error) {
      return trouble(error)
    }
    present.add(piece)
    keptBytes += bytes.length
    options.onProgress?.({ file, keptBytes, totalBytes: size })
  }
}

/** Bytes of a file, piece by piece from where they are. */
async function readKept(
  { source, store, file, size, nameOf, present }: KeptFile,
  { start = 0, end = size }: { start?: number; end?: number },
): Promise<Uint8Array> {
  const last = Math.min(end, size)
  const bytes = new Uint8Array(Math.max(0, last - start))
  for (let at = start; at < last; ) {
    const piece = Math.floor(at / pieceBytes)
    const within = bounds(size, piece)
    const to = Math.min(last, within.end)
    const range = { start: at - within.start, end: to - within.start }
    const near = present.has(piece) ? await store.read(nameOf(piece), range).catch(() => undefined) : undefined
    // The browser, or another tab, may have removed it since.
    const isWhole = near?.length === to - at
    if (!isWhole) present.delete(piece)
    const part = isWhole ? near : await source.read(file, { start: at, end: to })
    bytes.set(part, at - start)
    if (part.length < to - at) return bytes.subarray(0, at - start + part.length)
    at = to
  }
  return bytes
}

const bounds = (size: number, piece: number) => ({
  start: piece * pieceBytes,
  end: Math.min(size, (piece + 1) * pieceBytes),
})

/** A name for what cannot be a file's name: half of its SHA-256. */
async function digest(text: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return [...new Uint8Array(hash, 0, 16)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
