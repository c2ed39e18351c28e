import { OutriderError } from '@outrider/tensor'
import { insteadOf, mayBeHtml } from './instead'
import { reasonOf } from './network-reason'
import { blobBytes } from './pieces'

/** Asks the server for a file, or for a part of it. */
export type Ask = (range?: string) => Promise<Response>

/** Bytes of a file that have come. */
export interface Span {
  of: RemoteFile
  start: number
  bytes: Uint8Array
}

/** Bytes that are asked for at once, at the beginning of a large file, of which only a header may be wanted, and at most. */
const spanBytes = 16 * 2 ** 20
const firstSpanBytes = 2 ** 20
const mostSpanBytes = 64 * 2 ** 20
const keptSpans = 4

interface Place {
  directory: string
  file: string
}

/** A file behind an address, in the state that the first answer showed: parts of another are refused. */
export class RemoteFile {
  /** Another where the contents are others: the etag, or the time of the last change. */
  readonly version: string | undefined
  readonly #place: Place
  readonly #ask: Ask
  readonly #spans: Span[]
  /** Undefined where the server gives no parts. */
  #partedSize: number | undefined
  /** What a server that gives no parts says of the whole. */
  readonly #statedSize: number | undefined
  #whole: Promise<Blob> | undefined

  private constructor(
    place: Place,
    ask: Ask,
    spans: Span[],
    known: { version: string | undefined; partedSize?: number | undefined; statedSize?: number | undefined },
  ) {
    this.version = known.version
    this.#place = place
    this.#ask = ask
    this.#spans = spans
    this.#partedSize = known.partedSize
    this.#statedSize = known.statedSize
  }

  /**
   * Learns what a file is from its first byte.
   *
   * @param spans  what has come of all files of a directory, the oldest first
   * @throws OutriderError FILE_MISSING, NETWORK
   */
  static async look(place: Place, ask: Ask, spans: Span[]): Promise<RemoteFile> {
    const answer = await ask('bytes=0-0')
    if (answer.status === 206) {
      const range = contentRange(answer)
      const first = await beginning(answer, 2)
      // A part of a compressed file is no part of the file, and has no length that says anything.
      if (!isEncoded(answer) && first?.length === 1 && (!range || (range.start === 0 && range.end === 0))) {
        if (mayBeHtml(first[0])) checkIsFile(place, await beginning(await ask('bytes=0-511'), 512))
        const partedSize = range?.total ?? (await measure(ask))
        return new RemoteFile(place, ask, spans, { version: versionOf(answer), partedSize })
      }
    }
    if (answer.status === 416 && contentRange(answer)?.total === 0)
      return new RemoteFile(place, ask, spans, { version: versionOf(answer), partedSize: 0 })
    if (answer.status !== 200) await answer.body?.cancel().catch(() => undefined)
    const whole = answer.status === 200 ? answer : await ask()
    checkIsFile(place, await beginning(whole, 512))
    // Who asks for a part takes no compression, so that the length of an answer to that is the file's.
    const statedSize = whole === answer && !isEncoded(answer) ? lengthOf(answer) : undefined
    return new RemoteFile(place, ask, spans, { version: versionOf(whole), statedSize })
  }

  async size(): Promise<number> {
    return this.#partedSize ?? this.#statedSize ?? (await this.#blob()).size
  }

  async read(start: number, end = Number.POSITIVE_INFINITY): Promise<Uint8Array> {
    if (this.#partedSize === undefined)
      return blobBytes((await this.#blob()).slice(start, Math.min(end, Number.MAX_SAFE_INTEGER)))
    const size = this.#partedSize
    const last = Math.min(end, size)
    const bytes = new Uint8Array(Math.max(0, last - start))
    for (let at = start; at < last; ) {
      const span = this.#spanAt(at) ?? (await this.#fetch(at, last))
      // The server stopped giving parts: the rest comes of the whole.
      if (!span) return this.read(start, end)
      const part = span.bytes.subarray(at - span.start, last - span.start)
      bytes.set(part, at - start)
      at += part.length
    }
    return bytes
  }

  #spanAt(at: number): Span | undefined {
    return this.#spans.find(({ of, start, bytes }) => of === this && start <= at && at < start + bytes.length)
  }

  /** The bytes from `from` on, at least one of them, and as a rule more than are asked for. */
  async #fetch(from: number, to: number): Promise<Span | undefined> {
    const size = this.#partedSize!
    const ahead = from === 0 && size > spanBytes ? firstSpanBytes : spanBytes
    const end = Math.min(size, from + Math.max(ahead, Math.min(to - from, mostSpanBytes)))
    const answer = await this.#ask(`bytes=${from}-${end - 1}`)
    if (answer.status === 416) throw this.#changed(`it ends before byte ${from}`)
    this.#checkVersion(answer)
    if (answer.status !== 206) {
      this.#whole = blobOf(this.#place, answer.status === 200 ? answer : await this.#ask())
      const { size: whole } = await this.#whole
      if (whole !== size) throw this.#changed(`${size} bytes, then ${whole}`)
      this.#partedSize = undefined
      return undefined
    }
    const range = contentRange(answer)
    if (range?.total !== undefined && range.total !== size) throw this.#changed(`${size} bytes, then ${range.total}`)
    const bytes = new Uint8Array(await bodyOf(this.#place, answer).arrayBuffer())
    // A server may send less than was asked for, and then the rest is asked for; from another place on it may not.
    if (isEncoded(answer) || bytes.length === 0 || bytes.length > end - from || (range && range.start !== from))
      throw new OutriderError(
        'NETWORK',
        `${named(this.#place)}: the server sent ${bytes.length} bytes${isEncoded(answer) ? ', compressed,' : ''} (${answer.headers.get('content-range') ?? answer.headers.get('content-type')}) where bytes ${from} to ${end - 1} were asked for.`,
        { remedy: 'The host, or a proxy before it, does not serve parts of files as it says; try another.' },
      )
    const span = { of: this, start: from, bytes }
    this.#spans.push(span)
    if (this.#spans.length > keptSpans) this.#spans.shift()
    return span
  }

  #blob(): Promise<Blob> {
    this.#whole ??= this.#fetchWhole()
    return this.#whole
  }

  async #fetchWhole(): Promise<Blob> {
    const answer = await this.#ask()
    this.#checkVersion(answer)
    const blob = await blobOf(this.#place, answer)
    if (this.#statedSize !== undefined && this.#statedSize !== blob.size)
      throw this.#changed(`${this.#statedSize} bytes, then ${blob.size}`)
    return blob
  }

  #checkVersion(answer: Response): void {
    const version = versionOf(answer)
    if (version !== undefined && this.version !== undefined && version !== this.version)
      throw this.#changed(`${this.version}, then ${version}`)
  }

  #changed(how: string): OutriderError {
    return new OutriderError('FILE_FORMAT', `${named(this.#place)} has changed while it was read (${how}).`, {
      remedy: 'Open the model again.',
      details: { changed: this.#place.file },
    })
  }
}

/** What is read at once, without a stated length, is a text of a model: the largest are a tenth of this. */
const mostUnstatedBytes = 512 * 2 ** 20

/** A file in one answer, which the server may have compressed on the way. */
export async function wholeFile(place: Place, ask: Ask, mostBytes = mostUnstatedBytes): Promise<Uint8Array> {
  const answer = await ask()
  const isStated = lengthOf(answer) !== undefined && !isEncoded(answer)
  const body = bodyOf(place, answer)
  const bytes = isStated ? new Uint8Array(await body.arrayBuffer()) : await bounded(place, body.pieces(), mostBytes)
  checkIsFile(place, bytes)
  return bytes
}

async function bounded(place: Place, pieces: AsyncIterable<Uint8Array>, mostBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array<ArrayBuffer>[] = []
  let length = 0
  for await (const piece of pieces) {
    parts.push(piece as Uint8Array<ArrayBuffer>)
    length += piece.length
    if (length > mostBytes)
      throw new OutriderError('FILE_FORMAT', `${named(place)} does not end after ${mostBytes} bytes.`, {
        remedy: 'No file of a model that is read at once is so large: check the address.',
        details: { ...place },
      })
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer())
}

async function blobOf(place: Place, answer: Response): Promise<Blob> {
  const blob = await bodyOf(place, answer).blob()
  checkIsFile(place, new Uint8Array(await blob.slice(0, 512).arrayBuffer()))
  return blob
}

/** A page in a file's place says that the file is not there. */
function checkIsFile(place: Place, first: Uint8Array | undefined): void {
  const instead = first && !/\.html?$/i.test(place.file) ? insteadOf(first) : undefined
  if (instead?.what !== 'an HTML page') return
  throw new OutriderError('FILE_MISSING', `${named(place)}: the server answered with ${instead.what} in its place.`, {
    remedy: instead.remedy,
    details: { ...place, instead: instead.what },
  })
}

/**
 * The size of a file whose server gives parts without saying, or letting a page see, of how much: the length of the answer
 * that would be all of it, where the byte before that is the file's last.
 */
async function measure(ask: Ask): Promise<number | undefined> {
  const open = await ask('bytes=0-')
  const length = lengthOf(open)
  await open.body?.cancel().catch(() => undefined)
  if (open.status !== 206 || !length) return undefined
  const last = await ask(`bytes=${length - 1}-`)
  const bytes = await beginning(last, 2)
  return last.status === 206 && bytes?.length === 1 ? length : undefined
}

/** Up to `count` bytes of an answer, whose rest is not waited for; undefined where they cannot be decoded. */
async function beginning(answer: Response, count: number): Promise<Uint8Array | undefined> {
  const reader = answer.body?.getReader()
  const bytes: number[] = []
  try {
    while (reader && bytes.length < count) {
      const { done, value } = await reader.read()
      if (done) break
      bytes.push(...value.subarray(0, count - bytes.length))
    }
    return Uint8Array.from(bytes)
  } catch {
    return undefined
  } finally {
    await reader?.cancel().catch(() => undefined)
  }
}

/** An answer's body; a connection that breaks is a failure of the network. */
function bodyOf(place: Place, answer: Response) {
  const fail = (cause: unknown): never => {
    throw new OutriderError('NETWORK', `${named(place)} broke off: ${reasonOf(cause)}.`, {
      remedy: 'Check the connection, and try again.',
      cause,
    })
  }
  return {
    arrayBuffer: () => answer.arrayBuffer().catch(fail),
    blob: () => answer.blob().catch(fail),
    /** Who stops early leaves the rest unsent. */
    async *pieces(): AsyncGenerator<Uint8Array> {
      const reader = answer.body?.getReader()
      try {
        while (reader) {
          const { done, value } = await reader.read().catch(fail)
          if (done) return
          yield value
        }
      } finally {
        reader?.cancel().catch(() => undefined)
      }
    },
  }
}

/** Where a part lies; undefined where the server does not say so, or a page of another origin may not see it. */
function contentRange({ headers }: Response): { start?: number; end?: number; total?: number } | undefined {
  const [, place, start, end, total] =
    /^\s*bytes\s+((\d+)-(\d+)|\*)\/(\d+|\*)/i.exec(headers.get('content-range') ?? '') ?? []
  if (place === undefined) return undefined
  return {
    ...(start === undefined ? {} : { start: Number(start), end: Number(end) }),
    ...(total === '*' ? {} : { total: Number(total) }),
  }
}

function lengthOf({ headers }: Response): number | undefined {
  const length = Number(headers.get('content-length') ?? Number.NaN)
  return Number.isSafeInteger(length) && length >= 0 ? length : undefined
}

function versionOf({ headers }: Response): string | undefined {
  // Weak, or marked as compressed, it is of the same file, for all that was done to it on the way.
  const etag = headers
    .get('etag')
    ?.replace(/^W\//, '')
    .replace(/[-;:]+(gzip|br|zstd|deflate)"$/, '"')
  if (etag) return `etag ${etag}`
  const modified = headers.get('last-modified')
  return modified ? `modified ${modified}` : undefined
}

const isEncoded = ({ headers }: Response): boolean =>
  !['', 'identity'].includes((headers.get('content-encoding') ?? '').toLowerCase())

const named = ({ directory, file }: Place): string => `${directory}/${file}`
