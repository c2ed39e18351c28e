import { OutriderError } from '@outrider/tensor'
import type { Directory } from '../directory'
import { insteadOf } from '../instead'
import { readBytes } from '../read-bytes'
import { storedToFloats } from '../stored-floats'
import { type GgufDtype, ggufDtypes } from './dtype'

/** A metadata value as it is read; numbers of 64 bits lose what a double does not hold. */
export type GgufMetadataValue = number | boolean | string | GgufMetadataValue[]

/** Where one tensor is: bytes [start, end) of the file; its shape row-major. */
export interface GgufEntry {
  name: string
  dtype: GgufDtype
  shape: number[]
  start: number
  end: number
}

export interface GgufFile {
  directory: Directory
  file: string
  /** The file's full name, for errors. */
  where: string
  metadata: Map<string, GgufMetadataValue>
  tensors: Map<string, GgufEntry>
}

/** Vocabularies take megabytes; a header that claims more than this is no model's. */
const maxHeaderBytes = 256 * 2 ** 20
const firstRead = 2 ** 20

// U+FEFF at the beginning of a text is a piece of a vocabulary, not the mark of a file.
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/**
 * Reads and checks the header of a GGUF file: every length against the file's size, every tensor's bytes against its shape.
 *
 * @throws OutriderError FILE_MISSING; FILE_FORMAT naming the file, the byte and the tensor; UNSUPPORTED for element types that
 *   are not implemented, by name
 */
export async function openGguf(directory: Directory, file: string): Promise<GgufFile> {
  const where = `${directory.name}/${file}`
  const fileBytes = await directory.size(file)
  // The header says nowhere how long it is: read on where it goes on.
  for (let length = firstRead; ; length *= 4) {
    const end = Math.min(length, fileBytes, maxHeaderBytes)
    const bytes = await directory.read(file, { start: 0, end })
    try {
      return { directory, file, where, ...parseHeader(bytes, fileBytes, where) }
    } catch (error) {
      if (error !== moreNeeded) throw error
      if (end === fileBytes) throw broken(where, end, 'the file ends inside the header')
      if (end === maxHeaderBytes) throw broken(where, end, `the header takes more than ${maxHeaderBytes} bytes`)
    }
  }
}

/** A tensor's elements as f32, row-major. */
export async function readGgufFloats({ directory, file }: GgufFile, entry: GgufEntry): Promise<Float32Array> {
  return storedToFloats(await readBytes(directory, { file, ...entry }), entry.dtype)
}

/** Thrown where the header goes on past the bytes that have been read. */
const moreNeeded = Symbol('more of the file is needed')

function parseHeader(bytes: Uint8Array, fileBytes: number, where: string): Pick<GgufFile, 'metadata' | 'tensors'> {
  const reader = new HeaderReader(bytes, fileBytes, where)
  const magic = reader.u32()
  if (magic === 0x47475546) throw reader.broken('it is big-endian, which is not supported', 0)
  if (magic !== 0x46554747) throw notGguf(bytes, where)
  const version = reader.u32()
  if (version !== 2 && version !== 3) throw reader.broken(`version ${version} is not 2 or 3`, 4)
  const tensorCount = reader.count(24, 'tensors')
  const metadataCount = reader.count(13, 'metadata values')
  const metadata = new Map<string, GgufMetadataValue>()
  for (let i = 0; i < metadataCount; i++) {
    const key = reader.string()
    if (metadata.has(key)) throw reader.broken(`the key ${JSON.stringify(key)} is there twice`)
    metadata.set(key, reader.value(reader.u32(), 0))
  }
  const entries = Array.from({ length: tensorCount }, () => tensorEntry(reader))
  const alignment = metadata.get('general.alignment') ?? 32
  if (typeof alignment !== 'number' || alignment < 8 || alignment > 65_536 || alignment % 8 !== 0)
    throw reader.broken(`general.alignment is ${JSON.stringify(alignment)}`)
  const dataStart = Math.ceil(reader.position / alignment) * alignment
  const tensors = new Map<string, GgufEntry>()
  for (const { offset, bytes: size, ...entry } of entries) {
    const [start, end] = [dataStart + offset, dataStart + offset + size]
    if (tensors.has(entry.name)) throw broken(where, start, `tensor "${entry.name}" is there twice`, entry.name)
    if (offset % alignment !== 0)
      throw broken(where, start, `tensor "${entry.name}" is not aligned to ${alignment} bytes`, entry.name)
    if (end > fileBytes)
      throw broken(
        where,
        fileBytes,
        `tensor "${entry.name}" takes bytes ${start} to ${end}, and the file ends at ${fileBytes}`,
        entry.name,
      )
    tensors.set(entry.name, { ...entry, start, end })
  }
  return { metadata, tensors }
}

function tensorEntry(reader: HeaderReader) {
  const name = reader.string()
  const dimensions = reader.u32()
  if (dimensions < 1 || dimensions > 4) throw reader.broken(`tensor "${name}" has ${dimensions} dimensions`)
  const shape = Array.from({ length: dimensions }, () => reader.u64()).reverse()
  const id = reader.u32()
  const offset = reader.u64()
  const dtype = (Object.keys(ggufDtypes) as GgufDtype[]).find((known) => ggufDtypes[known].id === id)
  if (!dtype)
    throw new OutriderError(
      'UNSUPPORTED',
      `${reader.where}: tensor "${name}" has elements of type ${typeNames[id] ?? id}, which is not supported.`,
      { remedy: `Use a file with weights in ${Object.keys(ggufDtypes).join(', ')}.`, details: { tensor: name } },
    )
  const size = shape.reduce((product, length) => product * length, 1)
  const { elements, bytes } = ggufDtypes[dtype]
  if (!Number.isSafeInteger(size) || shape.includes(0) || shape.at(-1)! % elements !== 0)
    throw reader.broken(`tensor "${name}" of ${dtype} has the shape [${shape.join(', ')}]`)
  return { name, dtype, shape, offset, bytes: (size / elements) * bytes }
}

/** Names of types that may be met, for errors. */
const typeNames: Readonly<Record<number, string>> = {
  3: 'Q4_1',
  6: 'Q5_0',
  7: 'Q5_1',
  10: 'Q2_K',
  11: 'Q3_K',
  13: 'Q5_K',
  15: 'Q8_K',
  16: 'IQ2_XXS',
  17: 'IQ2_XS',
  18: 'IQ3_XXS',
  19: 'IQ1_S',
  20: 'IQ4_NL',
  21: 'IQ3_S',
  22: 'IQ2_S',
  23: 'IQ4_XS',
  39: 'MXFP4',
}

/** Little-endian values of a header, one after another, never past its end. */
class HeaderReader {
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

  string(): string {
    const length = this.count(1, 'bytes of text')
    const start = this.#take(length)
    return utf8.decode(new Uint8Array(this.#view.buffer, this.#view.byteOffset + start, length))
  }

  value(type: number, depth: number): GgufMetadataValue {
    const scalar = scalars[type]
    if (scalar) return scalar.read(this.#view, this.#take(scalar.bytes))
    if (type === 8) return this.string()
    if (type !== 9) throw this.broken(`a metadata value has the unknown type ${type}`)
    if (depth > 2) throw this.broken('arrays are nested too deep')
    const element = this.u32()
    const count = this.count(scalars[element]?.bytes ?? 8, 'array elements')
    const values: GgufMetadataValue[] = []
    for (let i = 0; i < count; i++) values.push(this.value(element, depth + 1))
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

function notGguf(bytes: Uint8Array, where: string): OutriderError {
  const instead = insteadOf(bytes)
  const what = instead ? `it is ${instead.what}` : 'it does not begin with GGUF'
  return broken(where, 0, what, undefined, instead?.remedy)
}

function broken(
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
