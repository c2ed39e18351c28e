/** A struct of Thrift's compact protocol: values by the numbers of their fields. */
export type Struct = Map<number, unknown>

/** Structs that hold structs that hold … : what writes Parquet needs six. */
const deepest = 16

/**
 * Reads a struct of Thrift's compact protocol, as Parquet's footers and page headers are written in. Lengths are checked
 * against the bytes that are there before memory is taken for them, so that what passes here may be parsed by a library that
 * takes them at their word.
 *
 * @see https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 * @returns the struct, and where it ends; undefined where the bytes end before it does
 * @throws Error for what is no such struct
 */
export function readStruct(bytes: Uint8Array, start = 0): { struct: Struct; end: number } | undefined {
  const reader = new Reader(bytes, start)
  try {
    const struct = reader.struct(0)
    return { struct, end: reader.at }
  } catch (error) {
    if (error === ended) return undefined
    throw error
  }
}

/** Thrown where the bytes end too early. */
const ended = new Error('it ends too early')

class Reader {
  constructor(
    readonly bytes: Uint8Array,
    public at: number,
  ) {}

  struct(depth: number): Struct {
    if (depth > deepest) throw new Error('it is nested too deeply')
    const struct: Struct = new Map()
    for (let field = 0; ; ) {
      const head = this.byte()
      if (head === 0) return struct
      field = head >> 4 ? field + (head >> 4) : Number(this.signed())
      struct.set(field, this.value(head & 15, depth))
    }
  }

  byte(): number {
    if (this.at >= this.bytes.length) throw ended
    return this.bytes[this.at++]!
  }

  value(type: number, depth: number): unknown {
    if (type === 1 || type === 2) return type === 1
    if (type === 3) return this.byte()
    if (type >= 4 && type <= 6) return this.signed()
    if (type === 7) return this.skip(8)
    if (type === 8) return this.skip(Number(this.unsigned()))
    if (type === 9) return this.list(depth + 1)
    if (type === 12) return this.struct(depth + 1)
    throw new Error(`it has a field of type ${type}`)
  }

  list(depth: number): unknown[] {
    if (depth > deepest) throw new Error('it is nested too deeply')
    const head = this.byte()
    const size = head >> 4 === 15 ? Number(this.unsigned()) : head >> 4
    // Every element is a byte at least.
    if (size > this.bytes.length - this.at) throw ended
    const type = head & 15
    return Array.from({ length: size }, () => (type <= 2 ? this.byte() === 1 : this.value(type, depth)))
  }

  skip(count: number): undefined {
    if (count > this.bytes.length - this.at) throw ended
    this.at += count
  }

  unsigned(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte()
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return value
    }
    throw new Error('it has a number that does not end')
  }

  signed(): bigint {
    const zigzag = this.unsigned()
    return (zigzag >> 1n) ^ -(zigzag & 1n)
  }
}
