import { OutriderError } from '@outrider/tensor'
import { checkFileName, type Directory, fileMissing, namesInside, readOnly } from '../files/directory'
import { directory, nodeModule } from '../files/node-directory'
import { download, type RemoteFile } from './download'
import { defaultEndpoint, type HubId, parseHubId } from './hub-id'
import { hubLibrary } from './library'
import { ask, persist, type RequestSettings, reasonOf } from './requests'

/** How far a download is. */
export interface DownloadProgress {
  file: string
  downloadedBytes: number
  totalBytes: number
}

export interface HubOptions {
  /** The hub's address. Default HF_ENDPOINT, or https://huggingface.co. */
  endpoint?: string | undefined
  /** For models that ask for a permission. Default HF_TOKEN. */
  token?: string | undefined
  /** Default the cache that Hugging Face's own tools use: HF_HUB_CACHE, HF_HOME, ~/.cache/huggingface/hub. */
  cacheDirectory?: string | undefined
  /** Nothing is asked of the network. Default: HF_HUB_OFFLINE is 1. */
  offline?: boolean | undefined
  onDownload?: ((progress: DownloadProgress) => void) | undefined
  signal?: AbortSignal | undefined
  fetch?: typeof fetch | undefined
  /** Waits between attempts, in milliseconds. Default 0.5 s to 16 s, six of them. */
  pauses?: readonly number[] | undefined
}

/** Parts of larger files are read over the network, until `keep` brings the file here. */
const smallBytes = 32 * 2 ** 20

/**
 * A model of a hub as a directory (Node): `org/name`, or `org/name@revision`. Files are downloaded when they are first asked
 * for, into the cache that Hugging Face's own tools use and in its layout, verified, resumed where they broke off. Without
 * the network, what the cache has is used.
 *
 * @throws OutriderError NETWORK where the hub cannot be reached and the cache has nothing; FILE_MISSING for a model that is
 *   not there or asks for a permission; ABORTED
 */
export async function hubDirectory(id: string, options: HubOptions = {}): Promise<Directory> {
  const hub = parseHubId(id)
  if (!hub)
    throw new OutriderError('INVALID_ARGUMENT', `"${id}" is not the name of a model on a hub.`, {
      remedy: 'Write it as org/name, or org/name@revision.',
    })
  const env = process.env
  const { getHFHubCachePath, getRepoFolderName } = await hubLibrary()
  const endpoint = (options.endpoint ?? env.HF_ENDPOINT ?? defaultEndpoint).replace(/\/+$/, '')
  const settings: RequestSettings = {
    fetch: options.fetch ?? globalThis.fetch,
    token: options.token ?? env.HF_TOKEN ?? env.HUGGING_FACE_HUB_TOKEN,
    signal: options.signal,
    pauses: options.pauses ?? [500, 1000, 2000, 4000, 8000, 16_000],
  }
  const { join } = nodeModule('node:path')
  const cache = options.cacheDirectory ?? getHFHubCachePath()
  const store = join(cache, getRepoFolderName({ type: 'model', name: hub.name }))
  const offline = options.offline ?? env.HF_HUB_OFFLINE === '1'
  if (offline) return cachedSnapshot(id, hub, store, 'nothing is asked of the network')
  try {
    const found = await listing(hub, endpoint, settings)
    return new CachedModel(id, store, found, settings, options.onDownload).directory()
  } catch (error) {
    // Where the hub cannot be reached, the cache may do; any other failure stands.
    if (!(error instanceof OutriderError) || error.code !== 'NETWORK') throw error
    return cachedSnapshot(id, hub, store, (error.cause as Error | undefined)?.message ?? error.message)
  }
}

/** What is in a model at a commit. */
interface Listing {
  commit: string
  revision: string
  files: Map<string, RemoteFile>
}

async function listing({ name, revision }: HubId, endpoint: string, settings: RequestSettings): Promise<Listing> {
  const { HubApiError, listFiles, modelInfo } = await hubLibrary()
  const { signal } = settings
  // The library makes the requests and reads the answers; what may pass is told apart on the way.
  const request: typeof fetch = (url) => ask(String(url), settings, { accept: 'application/json' })
  const common = { hubUrl: endpoint, fetch: request }
  return persist(`Asking ${endpoint} for ${name}`, { ...settings, pauses: settings.pauses.slice(0, 3) }, async () => {
    try {
      const { sha: commit } = await modelInfo({ ...common, name, revision, additionalFields: ['sha'] })
      const files = new Map<string, RemoteFile>()
      for await (const { type, path, size, oid, lfs } of listFiles({
        ...common,
        repo: name,
        revision: commit,
        recursive: true,
      })) {
        if (type !== 'file' || (!lfs && !oid)) continue
        files.set(checkFileName(name, path), {
          url: `${endpoint}/${name}/resolve/${commit}/${path.split('/').map(encodeURIComponent).join('/')}`,
          bytes: lfs?.size ?? size,
          hash: lfs ? { algorithm: 'sha256', hex: lfs.oid } : { algorithm: 'git-sha1', hex: oid! },
        })
      }
      return { commit, revision, files }
    } catch (error) {
      if (signal?.aborted || !(error instanceof HubApiError || error instanceof SyntaxError)) throw error
      throw new OutriderError('NETWORK', `${endpoint} gives no list of ${name}: ${reasonOf(error)}.`, { cause: error })
    }
  })
}

/** The files of a commit, in the cache or on their way there. */
class CachedModel {
  readonly #id: string
  readonly #store: string
  readonly #listing: Listing
  readonly #settings: RequestSettings
  readonly #onDownload: ((progress: DownloadProgress) => void) | undefined
  readonly #downloads = new Map<string, Promise<void>>()
  #reference: Promise<void> | undefined

  constructor(
    id: string,
    store: string,
    listing: Listing,
    settings: RequestSettings,
    onDownload: ((progress: DownloadProgress) => void) | undefined,
  ) {
    this.#id = id
    this.#store = store
    this.#listing = listing
    this.#settings = settings
    this.#onDownload = onDownload
  }

  directory(): Directory {
    const { files, commit } = this.#listing
    const { join } = nodeModule('node:path')
    const local = directory(join(this.#store, 'snapshots', commit))
    return {
      name: this.#id,
      list: async (folder) => namesInside(files.keys(), folder),
      has: async (file) => files.has(file),
      size: async (file) => this.#remote(file).bytes,
      read: async (file, range = {}) => {
        const remote = this.#remote(file)
        const { start = 0, end = remote.bytes } = range
        const part = end - start < remote.bytes && remote.bytes > smallBytes
        if (part && !(await local.has(file))) return this.#part(remote, start, Math.min(end, remote.bytes))
        await this.#bring(file)
        return local.read(file, range)
      },
      readText: async (file) => {
        await this.#bring(file)
        return local.readText(file)
      },
      keep: (file) => this.#bring(file),
      ...readOnly(this.#id),
    }
  }

  #remote(file: string): RemoteFile {
    const remote = this.#listing.files.get(file)
    if (!remote) throw fileMissing(this.#id, file)
    return remote
  }

  async #part({ url }: RemoteFile, start: number, end: number): Promise<Uint8Array> {
    if (end <= start) return new Uint8Array()
    return persist(`Reading ${url}`, this.#settings, async () => {
      const response = await ask(url, this.#settings, { range: `bytes=${start}-${end - 1}` })
      const bytes = new Uint8Array(await response.arrayBuffer())
      return response.status === 206 ? bytes : bytes.subarray(start, end)
    })
  }

  /** Downloads a file, once however often it is asked for. */
  #bring(file: string): Promise<void> {
    let download = this.#downloads.get(file)
    if (!download) {
      download = this.#download(file).then(() => this.#refer())
      this.#downloads.set(file, download)
      download.catch(() => this.#downloads.delete(file))
    }
    return download
  }

  /** Notes, once, which commit the revision was: for when the hub cannot be asked. */
  #refer(): Promise<void> {
    const { commit, revision } = this.#listing
    if (revision === commit) return Promise.resolve()
    if (!this.#reference) {
      this.#reference = directory(this.#store).write(`refs/${revision}`, commit)
      this.#reference.catch(() => {
        this.#reference = undefined
      })
    }
    return this.#reference
  }

  async #download(file: string): Promise<void> {
    const fs = nodeModule('node:fs/promises')
    const { join, dirname, relative } = nodeModule('node:path')
    const remote = this.#remote(file)
    const { commit } = this.#listing
    const blob = join(this.#store, 'blobs', remote.hash.hex)
    const link = join(this.#store, 'snapshots', commit, file)
    const isThere = (path: string) =>
      fs.stat(path).then(
        ({ size }) => size === remote.bytes,
        () => false,
      )
    if (await isThere(link)) return
    if (!(await isThere(blob)))
      await download(remote, blob, this.#settings, (downloadedBytes) =>
        this.#onDownload?.({ file, downloadedBytes, totalBytes: remote.bytes }),
      )
    await fs.mkdir(dirname(link), { recursive: true })
    await fs.rm(link, { force: true })
    // Where links need a permission (Windows), a copy does.
    await fs.symlink(relative(dirname(link), blob), link).catch(() => fs.copyFile(blob, link))
  }
}

/** What an earlier download left in the cache. */
async function cachedSnapshot(id: string, { revision }: HubId, store: string, why: string): Promise<Directory> {
  const { join } = nodeModule('node:path')
  const commit = await directory(store)
    .readText(`refs/${revision}`)
    .then(
      (text) => text.trim(),
      () => revision,
    )
  const snapshot = directory(join(store, 'snapshots', commit))
  if (
    await snapshot.list().then(
      ({ length }) => length > 0,
      () => false,
    )
  )
    return { ...snapshot, name: id }
  throw new OutriderError('NETWORK', `${id} is not in the cache (${store}), and ${why}.`, {
    remedy: 'Check the connection, HF_ENDPOINT and HF_HUB_OFFLINE; or give the path of a model on this machine.',
  })
}
