import { OutriderError } from '@outrider/tensor'
import { checkFileName, type Directory, fileMissing, listed, readOnly } from '../files/directory'
import { nodeModule } from '../files/node-module'
import { pieces } from './body'
import { type ModelCache, modelCache } from './cache'
import { contentHeaders, download, type RemoteFile, rangeStart } from './download'
import { cleanToken, hubEnvironment } from './environment'
import { type HubId, parseHubId } from './hub-id'
import { askListing, type Listing } from './listing'
import { withLock } from './lock'
import { ask, Passing, persist, type RequestSettings } from './requests'

/** How far a download is. */
export interface DownloadProgress {
  file: string
  downloadedBytes: number
  totalBytes: number
}

export interface HubOptions {
  /** The hub's address. Default HF_ENDPOINT, or https://huggingface.co. */
  endpoint?: string | undefined
  /**
   * For models that ask for a permission; '' sends none. Default HF_TOKEN, or what `hf auth login` stored (HF_TOKEN_PATH, or
   * the file `token` in HF_HOME). It is sent to the endpoint only, wherever that redirects to.
   */
  token?: string | undefined
  /** Default the cache that Hugging Face's own tools use: HF_HUB_CACHE, HF_HOME, ~/.cache/huggingface/hub. */
  cacheDirectory?: string | undefined
  /** Nothing is asked of the network. Default: HF_HUB_OFFLINE is 1, ON, YES or TRUE. */
  offline?: boolean | undefined
  onDownload?: ((progress: DownloadProgress) => void) | undefined
  signal?: AbortSignal | undefined
  fetch?: typeof fetch | undefined
  /** Waits between attempts, in milliseconds. Default 0.5 s to 16 s, six of them. */
  pauses?: readonly number[] | undefined
  /** Nothing for so long, in milliseconds, and a connection counts as broken. Default HF_HUB_DOWNLOAD_TIMEOUT, or 30 s. */
  stallMilliseconds?: number | undefined
}

/** Parts of larger files are read over the network, until `keep` brings the file here. */
const smallBytes = 32 * 2 ** 20

/**
 * A model of a hub as a directory (Node): `org/name`, or `org/name@revision`. Files are downloaded when they are first asked
 * for, into the cache that Hugging Face's own tools use and in its layout, verified, resumed where they broke off. Without
 * the network, what the cache has is used. The hub is not trusted: what it answers stays inside the cache.
 *
 * @throws OutriderError NETWORK where the hub cannot be reached and the cache has nothing; FILE_MISSING for a model that is
 *   not there or asks for a permission; FILE_FORMAT for answers that no hub gives, and links that lead out of the cache;
 *   ABORTED
 */
export async function hubDirectory(id: string, options: HubOptions = {}): Promise<Directory> {
  const hub = parseHubId(id)
  if (!hub)
    throw new OutriderError('INVALID_ARGUMENT', `"${id}" is not the name of a model on a hub.`, {
      remedy: 'Write it as org/name, or org/name@revision.',
    })
  const environment = hubEnvironment()
  const cache = modelCache(options.cacheDirectory ?? environment.cacheDirectory, hub)
  if (options.offline ?? environment.offline) return cachedSnapshot(id, hub, cache, 'nothing is asked of the network')
  const endpoint = endpointOf(options.endpoint ?? environment.endpoint)
  const settings: RequestSettings = {
    fetch: options.fetch ?? globalThis.fetch,
    origin: new URL(endpoint).origin,
    token: options.token === undefined ? await environment.token() : cleanToken(options.token),
    signal: options.signal,
    pauses: options.pauses ?? [500, 1000, 2000, 4000, 8000, 16_000],
    stallMilliseconds: options.stallMilliseconds ?? environment.stallMilliseconds ?? 30_000,
  }
  try {
    const found = await askListing(hub, endpoint, settings)
    return cachedModel(id, cache, found, settings, { copies: environment.copies, onDownload: options.onDownload })
  } catch (error) {
    // Where the hub cannot be reached, the cache may do; any other failure stands.
    if (!(error instanceof OutriderError) || error.code !== 'NETWORK') throw error
    return cachedSnapshot(id, hub, cache, (error.cause as Error | undefined)?.message ?? error.message)
  }
}

function endpointOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url && /^https?:$/.test(url.protocol) && !url.username && !url.password && !url.search && !url.hash)
    return url.href.replace(/\/+$/, '')
  throw new OutriderError('INVALID_ARGUMENT', "The hub's endpoint is not the address of a server.", {
    remedy: 'Write HF_ENDPOINT as https://host, without a user or a query.',
  })
}

/** The files of a commit, in the cache or on their way there. */
function cachedModel(
  id: string,
  cache: ModelCache,
  { files, commit, revision }: Listing,
  settings: RequestSettings,
  options: { copies: boolean; onDownload: HubOptions['onDownload'] },
): Directory {
  const local = cache.files(id, commit)
  const brought = new Map<string, Promise<void>>()
  let referred: Promise<void> | undefined

  const remoteOf = (file: string): RemoteFile => {
    const remote = files.get(checkFileName(id, file))
    if (!remote) throw fileMissing(id, file)
    return remote
  }
  /** Notes, once, which commit the revision was: for when the hub cannot be asked. */
  const refer = () => {
    if (revision === commit) return
    referred ??= writing(cache.store, settings.signal, () => cache.refer(revision, commit))
    referred.catch(() => {
      referred = undefined
    })
    return referred
  }
  /** Downloads a file, once however often it is asked for. */
  const bring = (file: string): Promise<void> => {
    let bringing = brought.get(file)
    if (!bringing) {
      const remote = remoteOf(file)
      const onBytes = (downloadedBytes: number) =>
        options.onDownload?.({ file, downloadedBytes, totalBytes: remote.bytes })
      const link = nodeModule('node:path').join(cache.snapshot(commit), file)
      bringing = writing(link, settings.signal, () =>
        bringTo(link, remote, cache, settings, { copies: options.copies, onBytes }),
      ).then(refer)
      brought.set(file, bringing)
      bringing.catch(() => brought.delete(file))
    }
    return bringing
  }
  return {
    name: id,
    ...listed(id, () => files.keys()),
    has: async (file) => files.has(checkFileName(id, file)),
    size: async (file) => remoteOf(file).bytes,
    read: async (file, range = {}) => {
      const remote = remoteOf(file)
      const { start = 0, end = remote.bytes } = range
      const part = end - start < remote.bytes && remote.bytes > smallBytes
      if (part && !(await local.has(file))) return readPart(remote, start, Math.min(end, remote.bytes), settings)
      await bring(file)
      return local.read(file, range)
    },
    readText: async (file) => {
      await bring(file)
      return local.readText(file)
    },
    keep: async (file) => bring(file),
    ...readOnly(id),
  }
}

/** Bytes of a file that is not here. Nothing can verify a part: `keep` does, for the whole. */
async function readPart(
  { url }: RemoteFile,
  start: number,
  end: number,
  settings: RequestSettings,
): Promise<Uint8Array> {
  const part = new Uint8Array(Math.max(0, end - start))
  if (part.length === 0) return part
  return persist(`Reading ${url}`, settings, async () => {
    const response = await ask(url, settings, { ...contentHeaders, range: `bytes=${start}-${end - 1}` })
    let position = rangeStart(response, start)
    for await (const piece of pieces(response, settings)) {
      const wanted = piece.subarray(Math.max(0, start - position), Math.max(0, end - position))
      part.set(wanted, Math.max(0, position - start))
      position += piece.length
      if (position >= end) return part
    }
    throw new Passing(`the server ended at byte ${position} of ${end}`)
  })
}

/** Sees to it that a snapshot's file is there: a link to the blob with its contents. */
async function bringTo(
  link: string,
  remote: RemoteFile,
  cache: ModelCache,
  settings: RequestSettings,
  { copies, onBytes }: { copies: boolean; onBytes(bytes: number): void },
): Promise<void> {
  const fs = nodeModule('node:fs/promises')
  const { dirname, relative } = nodeModule('node:path')
  const blob = cache.blob(remote.hash.hex)
  await cache.makeRoom(link)
  if (await cache.holds(link, remote.bytes)) return
  await cache.makeRoom(blob)
  await withLock(cache.lock(remote.hash.hex), settings, async () => {
    if (await cache.holds(blob, remote.bytes)) return
    await download(remote, blob, settings, onBytes).catch(async (error: NodeJS.ErrnoException) => {
      // Another process, which had lost the lock, may have finished the same file.
      if (error.code !== 'ENOENT' || !(await cache.holds(blob, remote.bytes))) throw error
    })
  })
  // The link takes its place in one step, so that nobody sees none.
  const temporary = `${link}.${crypto.randomUUID()}.tmp`
  try {
    const linked =
      !copies &&
      (await fs.symlink(relative(dirname(link), blob), temporary).then(
        () => true,
        // Links need a permission on Windows.
        () => false,
      ))
    if (!linked) await fs.copyFile(blob, temporary)
    await fs.rename(temporary, link)
  } finally {
    await fs.rm(temporary, { force: true }).catch(() => undefined)
  }
}

/** Does something on the disk; what the system says against it becomes a FILE_WRITE. */
async function writing<T>(path: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof OutriderError) throw cause
    if (signal?.aborted) throw new OutriderError('ABORTED', `The download of ${path} was aborted.`, { cause })
    const { code, message } = cause as NodeJS.ErrnoException
    // What `onDownload` throws is its caller's own.
    if (typeof code !== 'string') throw cause
    throw new OutriderError('FILE_WRITE', `${path} cannot be written: ${message}.`, {
      remedy: 'Check the permissions of the cache, or set HF_HOME to another folder.',
      cause,
      details: { file: path, code },
    })
  }
}

/** What an earlier download left in the cache. */
async function cachedSnapshot(id: string, { revision }: HubId, cache: ModelCache, why: string): Promise<Directory> {
  const commit = await cache.commitOf(revision)
  const snapshot = commit === undefined ? undefined : cache.files(id, commit)
  const names = await snapshot?.list().catch((error: OutriderError) => {
    if (error.code !== 'FILE_MISSING') throw error
  })
  if (snapshot && names?.length) return snapshot
  throw new OutriderError('NETWORK', `${id} is not in the cache (${cache.store}), and ${why}.`, {
    remedy: 'Check the connection, HF_ENDPOINT and HF_HUB_OFFLINE; or give the path of a model on this machine.',
  })
}
