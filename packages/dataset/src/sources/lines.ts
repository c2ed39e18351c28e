import { OutriderError } from '@outrider/tensor'

/** A longer line is no row of a dataset but a wrong file. */
const longestLine = 64 * 2 ** 20
const pieceBytes = 1 << 20

/** Something that can be read in pieces: a file's part of `Directory`. */
export interface ReadableFile {
  readonly name: string
  size(): Promise<number>
  read(start: number, end: number): Promise<Uint8Array>
}

export interface Line {
  /**
   * Without its end, CRLF too.
   *
   * @throws OutriderError FILE_FORMAT for bytes that are not UTF-8: the lines after it can still be read
   */
  readonly text: string
  /** Nothing but white space. */
  readonly isBlank: boolean
  /** Counted from 1. */
  readonly number: number
  /** Where it is in the file, as bytes [begin, end), without its line break. */
  readonly begin: number
  readonly end: number
}

/**
 * The lines of a UTF-8 file, read in pieces; CRLF and a byte order mark are taken off.
 *
 * @throws OutriderError FILE_FORMAT for a line past 64 MiB
 */
export async function* linesOf(file: ReadableFile): AsyncGenerator<Line> {
  const size = await file.size()
  const pending: Uint8Array[] = []
  let pendingBytes = 0
  let number = 0
  let position = 0
  let lineBegin = 0
  const finish = (tail: Uint8Array): Line => {
    pending.push(tail)
    const bytes = join(pending, pendingBytes + tail.length)
    pending.length = 0
    pendingBytes = 0
    const line = ++number
    const begin = lineBegin
    const end = begin + bytes.length
    lineBegin = end + 1
    return {
      begin,
      end,
      number: line,
      isBlank: isBlank(bytes, line === 1),
      get text() {
        return decodeText(bytes, line === 1, `${file.name}, line ${line}`)
      },
    }
  }
  while (position < size) {
    const piece = await file.read(position, Math.min(position + pieceBytes, size))
    if (piece.length === 0) break
    let begin = 0
    for (let newline = piece.indexOf(10); newline >= 0; newline = piece.indexOf(10, begin)) {
      yield finish(piece.subarray(begin, newline))
      begin = newline + 1
    }
    pending.push(piece.slice(begin))
    pendingBytes += piece.length - begin
    if (pendingBytes > longestLine)
      throw new OutriderError(
        'FILE_FORMAT',
        `${file.name}, line ${number + 1} is longer than ${longestLine / 2 ** 20} MiB.`,
        {
          remedy: 'Is it the right file? JSONL has one row a line.',
        },
      )
    position += piece.length
  }
  if (pendingBytes > 0) yield finish(new Uint8Array(0))
}

/** Bytes up to the end of the last line that a line break ends: what a writer that was killed left whole. */
export async function wholeLinesEnd(file: ReadableFile): Promise<number> {
  for (let end = await file.size(); end > 0; end -= Math.min(end, pieceBytes)) {
    const begin = Math.max(0, end - pieceBytes)
    const newline = (await file.read(begin, end)).lastIndexOf(10)
    if (newline >= 0) return begin + newline + 1
  }
  return 0
}

function join(pieces: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

const byteOrderMark = [0xef, 0xbb, 0xbf]

const isBlank = (bytes: Uint8Array, first: boolean): boolean =>
  bytes.every((byte, i) => byte === 32 || (byte >= 9 && byte <= 13) || (first && byte === byteOrderMark[i]))

/** UTF-8 as text; of the `first` bytes of a file a byte order mark is taken off. */
export function decodeText(bytes: Uint8Array, first: boolean, where: string): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: !first }).decode(bytes)
    return text.endsWith('\r') ? text.slice(0, -1) : text
  } catch (cause) {
    throw new OutriderError('FILE_FORMAT', `${where} is not UTF-8.`, { cause, remedy: 'Convert the file to UTF-8.' })
  }
}
