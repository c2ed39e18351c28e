import { OutriderError } from '@outrider/tensor'

/** A metadata value as it is read; numbers of 64 bits lose what a double does not hold. */
export type GgufMetadataValue = number | boolean | string | GgufMetadataValue[]

/** Thrown where the header goes on past the bytes that have been read. */
export const moreNeeded = Symbol('more of the file is needed')

// U+FEFF at the beginning of a text is a part of it: vocabularies have such a piece.
const strictUtf8 = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true })
const lenientUtf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/** Little-endian values of a header, one after another, never past its end. */
export class HeaderReader {
  position = 0
  readonly where: string
  readonly #view: DataView
  readonly #fileBytes: number

  constructor(bytes: Uint8Array, fileBytes: number, where: string) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#fileBytes = fileBytes
    this.where = where
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true)
  }

  u64(): number {
    const value = Number(this.#view.getBigUint64(this.#take(8), true))
    if (!Number.isSafeInteger(value)) throw this.broken(`${value} is too large a number`)
    return value
  }

  /** How many of something follow, each at least so many bytes long. */
  count(leastBytes: number, what: string): number {
    const count = this.u64()
    if (count * leastBytes > this.#fileBytes - this.position)
      throw this.broken(`${count} ${what} do not fit into the file`)
    return count
  }

  /** A text that is used must be UTF-8; of others, what is not becomes U+FFFD. */
  string(isUsed = true): string {
    const length = this.count(1, 'bytes of text')
    const start = this.#take(length)
    const bytes = new Uint8Array(this.#view.buffer, this.#view.byteOffset + start, length)
    try {
      return (isUsed ? strictUtf8 : lenientUtf8).decode(bytes)
    } catch {
      throw this.broken('a text is not UTF-8', start)
    }
  }

  value(type: number, isUsed: boolean, depth = 0): GgufMetadataValue {
    const scalar = scalars[type]
    if (scalar) return scalar.read(this.#view, this.#take(scalar.bytes))
    if (type === 8) return this.string(isUsed)
    if (type !== 9) throw this.broken(`a metadata value has the unknown type ${type}`)
    if (depth > 2) throw this.broken('arrays are nested too deep')
    const element = this.u32()
    const count = this.count(scalars[element]?.bytes ?? 8, 'array elements')
    const values: GgufMetadataValue[] = []
    for (let i = 0; i < count; i++) values.push(this.value(element, isUsed, depth + 1))
    return values
  }

  broken(what: string, byte = this.position): OutriderError {
    return broken(this.where, byte, what)
  }

  #take(bytes: number): number {
    const at = this.position
    if (at + bytes > this.#view.byteLength) throw moreNeeded
    this.position += bytes
    return at
  }
}

const scalars: Readonly<
  Record<number, { bytes: number; read: (view: DataView, at: number) => number | boolean } | undefined>
> = {
  0: { bytes: 1, read: (view, at) => view.getUint8(at) },
  1: { bytes: 1, read: (view, at) => view.getInt8(at) },
  2: { bytes: 2, read: (view, at) => view.getUint16(at, true) },
  3: { bytes: 2, read: (view, at) => view.getInt16(at, true) },
  4: { bytes: 4, read: (view, at) => view.getUint32(at, true) },
  5: { bytes: 4, read: (view, at) => view.getInt32(at, true) },
  6: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  7: { bytes: 1, read: (view, at) => view.getUint8(at) !== 0 },
  10: { bytes: 8, read: (view, at) => Number(view.getBigUint64(at, true)) },
  11: { bytes: 8, read: (view, at) => Number(view.getBigInt64(at, true)) },
  12: { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
}

/** A GGUF file that is damaged, and where. */
export function broken(
  where: string,
  byte: number,
  what: string,
  tensor?: string,
  remedy = 'It may be cut off or damaged; copy or download it again.',
): OutriderError {
  return new OutriderError('FILE_FORMAT', `${where} is not a valid GGUF file: byte ${byte}: ${what}.`, {
    remedy,
    details: { file: where, byte, ...(tensor === undefined ? {} : { tensor }) },
  })
}
