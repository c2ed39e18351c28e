import { floatToHalf, halfToFloat, OutriderError } from '@outrider/tensor'

/** Element types of the safetensors format, with their bytes. */
export const dtypeBytes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
} as const

export type SafetensorsDtype = keyof typeof dtypeBytes

/** A tensor's elements on the host: F16 and BF16 widened to f32, the others as they are stored. */
export type StoredTensor = Float32Array | Int32Array | Uint32Array | BigInt64Array

/** The f32 values of stored bytes (F32, F16 or BF16), exactly. */
export function storedToFloats(bytes: Uint8Array, dtype: SafetensorsDtype): Float32Array {
  const aligned = alignedBytes(bytes, dtypeBytes[dtype])
  const size = bytes.length / dtypeBytes[dtype]
  if (dtype === 'F32') return new Float32Array(aligned.buffer, aligned.byteOffset, size)
  const halves = new Uint16Array(aligned.buffer, aligned.byteOffset, size)
  if (dtype === 'F16') return halvesToFloat(halves)
  if (dtype === 'BF16') return bfloatToFloat(halves)
  throw new OutriderError('UNSUPPORTED', `Tensors of dtype ${dtype} are not weights that can be used.`, {
    remedy: 'Convert the model to F32, F16 or BF16.',
  })
}

/** The elements of stored bytes. */
export function storedToArray(bytes: Uint8Array, dtype: SafetensorsDtype): StoredTensor {
  const { buffer, byteOffset } = alignedBytes(bytes, dtypeBytes[dtype])
  const size = bytes.length / dtypeBytes[dtype]
  if (dtype === 'I32') return new Int32Array(buffer, byteOffset, size)
  if (dtype === 'U32') return new Uint32Array(buffer, byteOffset, size)
  if (dtype === 'I64') return new BigInt64Array(buffer, byteOffset, size)
  return storedToFloats(bytes, dtype)
}

/** The bytes that store f32 values as F32, or rounded to the nearest F16 or BF16 (ties to even). */
export function floatsToStored(values: Float32Array, dtype: 'F32' | 'F16' | 'BF16'): Uint8Array {
  if (dtype === 'F32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  const halves = dtype === 'F16' ? Uint16Array.from(values, floatToHalf) : floatToBfloat(values)
  return new Uint8Array(halves.buffer)
}

let halfTable: Float32Array | undefined

/** The f32 values of IEEE half-precision bits. */
export function halvesToFloat(halves: Uint16Array): Float32Array {
  halfTable ??= Float32Array.from({ length: 65536 }, (_, half) => halfToFloat(half))
  const floats = new Float32Array(halves.length)
  for (let i = 0; i < halves.length; i++) floats[i] = halfTable[halves[i]!]!
  return floats
}

/** The f32 values of bfloat16 bits: the upper half of an f32. */
export function bfloatToFloat(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length)
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16
  return new Float32Array(bits.buffer)
}

function floatToBfloat(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  return Uint16Array.from(bits, (word) => {
    const isNan = (word & 0x7fffffff) > 0x7f800000
    return isNan ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16
  })
}

/** The same bytes where a typed array of such elements may begin. */
function alignedBytes(bytes: Uint8Array, alignment: number): Uint8Array {
  return bytes.byteOffset % alignment === 0 ? bytes : bytes.slice()
}
