import { OutriderError } from '@outrider/tensor'
import type { Directory } from '../directory'
import { type GgufDtype, ggufDtypes } from './dtype'
import { type GgufValue, valueTypes } from './value'

/** A tensor to write. `bytes` is asked for once, when its turn comes, so that one tensor at a time is in memory. */
export interface GgufTensor {
  name: string
  dtype: GgufDtype
  /** Row-major, as everywhere here; the file has the sizes the other way round. */
  shape: readonly number[]
  bytes: () => Uint8Array | Promise<Uint8Array>
}

const version = 3
const alignment = 32

/**
 * Writes a GGUF file, version 3: header, metadata, the table of tensors, then their data, each aligned to 32 bytes. It
 * appears whole or not at all.
 *
 * @throws OutriderError INVALID_ARGUMENT where a tensor's bytes do not fit its shape, FILE_WRITE
 */
export async function writeGguf(
  directory: Directory,
  file: string,
  { metadata, tensors }: { metadata: ReadonlyMap<string, GgufValue>; tensors: readonly GgufTensor[] },
): Promise<void> {
  await directory.write(file, contents(metadata, tensors))
}

async function* contents(
  metadata: ReadonlyMap<string, GgufValue>,
  tensors: readonly GgufTensor[],
): AsyncGenerator<Uint8Array> {
  const header = new ByteWriter()
  header.raw(utf8.encode('GGUF'))
  header.u32(version)
  header.u64(tensors.length)
  header.u64(metadata.size)
  for (const [key, value] of metadata) {
    header.string(key)
    header.value(value)
  }
  let offset = 0
  for (const tensor of tensors) {
    header.string(tensor.name)
    header.u32(tensor.shape.length)
    for (const size of [...tensor.shape].reverse()) header.u64(size)
    header.u32(ggufDtypes[tensor.dtype].id)
    header.u64(offset)
    offset += aligned(byteLength(tensor))
  }
  yield header.bytes()
  yield new Uint8Array(aligned(header.length) - header.length)
  for (const tensor of tensors) {
    const bytes = await tensor.bytes()
    const expected = byteLength(tensor)
    if (bytes.length !== expected)
      throw new OutriderError(
        'INVALID_ARGUMENT',
        `Tensor "${tensor.name}" [${tensor.shape.join(', ')}] of ${tensor.dtype} needs ${expected} bytes, not ${bytes.length}.`,
      )
    yield bytes
    yield new Uint8Array(aligned(expected) - expected)
  }
}

const utf8 = new TextEncoder()

const aligned = (bytes: number) => Math.ceil(bytes / alignment) * alignment

function byteLength({ shape, dtype }: GgufTensor): number {
  const { elements, bytes } = ggufDtypes[dtype]
  return (shape.reduce((product, size) => product * size, 1) / elements) * bytes
}

/** Little-endian values one after another, in memory that grows. */
class ByteWriter {
  length = 0
  #view = new DataView(new ArrayBuffer(1 << 16))

  u32(value: number): void {
    const at = this.#take(4)
    this.#view.setUint32(at, value, true)
  }

  u64(value: number): void {
    const at = this.#take(8)
    this.#view.setBigUint64(at, BigInt(value), true)
  }

  string(text: string): void {
    const bytes = utf8.encode(text)
    this.u64(bytes.length)
    this.raw(bytes)
  }

  raw(bytes: Uint8Array): void {
    const at = this.#take(bytes.length)
    new Uint8Array(this.#view.buffer).set(bytes, at)
  }

  /** A value after its type. */
  value(value: GgufValue): void {
    if (value.type === 'i32[]' || value.type === 'f32[]' || value.type === 'string[]') {
      const type = value.type.slice(0, -2) as 'i32' | 'f32' | 'string'
      this.u32(valueTypes.array)
      this.u32(valueTypes[type])
      this.u64(value.value.length)
      for (const element of value.value) this.#scalar({ type, value: element } as GgufValue)
      return
    }
    this.u32(valueTypes[value.type])
    this.#scalar(value)
  }

  bytes(): Uint8Array {
    return new Uint8Array(this.#view.buffer, 0, this.length)
  }

  #scalar({ type, value }: GgufValue): void {
    if (type === 'string') this.string(value)
    else if (type === 'bool') this.raw(Uint8Array.of(value ? 1 : 0))
    else if (type === 'u32') this.u32(value)
    else if (type === 'f32' || type === 'i32') {
      const at = this.#take(4)
      if (type === 'f32') this.#view.setFloat32(at, value, true)
      else this.#view.setInt32(at, value, true)
    }
  }

  /** Where that many bytes may be written. The view may be another one afterwards: take first, then name it. */
  #take(bytes: number): number {
    const at = this.length
    this.length += bytes
    if (this.length > this.#view.byteLength) {
      const larger = new Uint8Array(2 ** Math.ceil(Math.log2(this.length)))
      larger.set(new Uint8Array(this.#view.buffer))
      this.#view = new DataView(larger.buffer)
    }
    return at
  }
}
