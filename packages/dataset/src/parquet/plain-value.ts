import { malformed } from '../formats/fields'

/** A string that was not UTF-8, or JSON that could not be parsed: the fault of the row that it is in, not of its file. */
class BadText {
  constructor(readonly what: string) {}
}

/** How hyparquet is to read what rows consist of. */
export const parsers = {
  stringFromBytes: (bytes: Uint8Array | undefined): unknown =>
    bytes && attempt('not UTF-8', () => decoder.decode(bytes)),
  jsonFromBytes: (bytes: Uint8Array | undefined): unknown =>
    bytes && attempt('not JSON', () => JSON.parse(decoder.decode(bytes)) as unknown),
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function attempt(what: string, read: () => unknown): unknown {
  try {
    return read()
  } catch {
    return new BadText(what)
  }
}

/**
 * A value of a Parquet file as JSON would have it: 64-bit integers as numbers (beyond 2⁵³ as text), times as ISO texts, typed
 * arrays as lists.
 *
 * @param path  where it is in its row, and `where` the row, for the error
 * @throws OutriderError FILE_FORMAT for text that was none
 */
export function plainValue(value: unknown, where: string, path = ''): unknown {
  if (value === undefined) return null
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (value === null || typeof value !== 'object') return value
  if (value instanceof BadText) throw malformed(where, `${path} is ${value.what}`)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  if (Array.isArray(value) || ArrayBuffer.isView(value))
    return Array.from(value as unknown[], (item, i) => plainValue(item, where, `${path}[${i}]`))
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [key, plainValue(field, where, path ? `${path}.${key}` : key)]),
  )
}
