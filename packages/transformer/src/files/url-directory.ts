import { OutriderError } from '@outrider/tensor'
import { checkFileName, type Directory, fileMissing, readOnly } from './directory'
import { reasonOf } from './network-reason'
import { type Ask, RemoteFile, type Span, wholeFile } from './remote-file'
import { steadyAnswer } from './steady-answer'

/**
 * A folder behind an http(s) address, read-only. What a file is, is learned from an answer to a GET of its first byte, never
 * from HEAD: a host that compresses states another length there, and some refuse it. Parts are asked for in large spans, and
 * what was read on is kept for the next reads. A server that knows no parts sends a file whole, once. An HTML page in place
 * of a file, as single-page hosts answer, is a file that is not there. A web server does not list its files, so `list` is
 * refused.
 *
 * @param base  the folder's address; files are resolved below it
 * @param options.signal             ends requests, and answers that are on their way
 * @param options.stallMilliseconds  nothing for so long, and a connection counts as broken. Default 30 s
 * @throws OutriderError ABORTED; FILE_MISSING; NETWORK where the server cannot be reached, fails, falls silent, or answers with other
 *   parts than asked for; FILE_FORMAT where a file changes between two reads, or one that says no length has no end
 */
export function urlDirectory(
  base: string | URL,
  options: {
    fetch?: typeof fetch
    headers?: Record<string, string>
    signal?: AbortSignal | undefined
    stallMilliseconds?: number | undefined
  } = {},
): Directory {
  const folder = new URL(base)
  if (!folder.pathname.endsWith('/')) folder.pathname += '/'
  const name = folder.href.replace(/\/(?=$|\?)/, '')
  const request = options.fetch ?? globalThis.fetch
  const looks = new Map<string, Promise<RemoteFile>>()
  const spans: Span[] = []

  /** Gives answers that are a file or a part of it, and those that refuse a part. */
  async function ask(file: string, range?: string): Promise<Response> {
    const address = new URL(checkFileName(name, file).split('/').map(encodeURIComponent).join('/'), folder)
    address.search = folder.search
    // Parts are asked for anew: a browser's cache may hold some of another state of the file.
    const init: RequestInit = range
      ? { headers: { ...options.headers, range }, cache: 'no-store' }
      : { headers: { ...options.headers } }
    const settings = { signal: options.signal, stallMilliseconds: options.stallMilliseconds ?? 30_000 }
    const answer = steadyAnswer((signal) => request(address, { ...init, signal }), settings)
    const response = await answer.catch((cause: unknown) => {
      if (options.signal?.aborted)
        throw new OutriderError('ABORTED', `Fetching ${name}/${file} was aborted.`, { cause })
      throw new OutriderError('NETWORK', `${name}/${file} cannot be fetched: ${reasonOf(cause)}.`, {
        remedy: 'Check the address and the connection; a browser also needs the server to allow cross-origin requests.',
        cause,
      })
    })
    if (response.ok || (range && refusesParts.has(response.status))) return response
    await response.body?.cancel().catch(() => undefined)
    if (response.status === 404 || response.status === 410) throw fileMissing(name, file)
    const { status, statusText } = response
    const fails = status >= 500 || status === 429
    throw new OutriderError(
      fails ? 'NETWORK' : 'FILE_MISSING',
      `${name}/${file}: the server answered ${status} ${statusText}.`,
      {
        remedy: status === 401 || status === 403 ? 'The file needs a permission: pass it in headers.' : undefined,
        details: { status },
      },
    )
  }

  const askFor =
    (file: string): Ask =>
    (range) =>
      ask(file, range)

  /** The file as the first answer showed it; forgotten where something fails, so that the next try begins anew. */
  async function open<T>(file: string, use: (remote: RemoteFile) => T | Promise<T>): Promise<T> {
    const look = looks.get(file) ?? RemoteFile.look({ directory: name, file }, askFor(file), spans)
    looks.set(file, look)
    try {
      return await use(await look)
    } catch (error) {
      looks.delete(file)
      throw error
    }
  }

  return {
    name,
    async list() {
      throw new OutriderError('UNSUPPORTED', `${name}: a web server does not list its files.`)
    },
    async has(file) {
      try {
        return await open(file, () => true)
      } catch (error) {
        if (error instanceof OutriderError && error.details.file === file) return false
        throw error
      }
    },
    size: (file) => open(file, (remote) => remote.size()),
    version: (file) => open(file, (remote) => remote.version),
    async read(file, { start = 0, end } = {}) {
      if (end !== undefined && end <= start) return new Uint8Array()
      // A file that is read as a whole is one request, which the server may compress.
      if (start === 0 && end === undefined) return wholeFile({ directory: name, file }, askFor(file))
      return open(file, (remote) => remote.read(start, end))
    },
    async readText(file) {
      return new TextDecoder().decode(await this.read(file))
    },
    ...readOnly(name),
  }
}

/** Where the file may be had all the same, as a whole: no such part, no such method or header. */
const refusesParts = new Set([400, 405, 416, 501])
