import { storedToFloats } from '../stored-floats'

/** Element types of the safetensors format (0.8), with their bits; the smaller ones lie packed, without gaps. */
export const dtypeBits = {
  C64: 64,
  F64: 64,
  F32: 32,
  F16: 16,
  BF16: 16,
  F8_E4M3: 8,
  F8_E5M2: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  F8_E8M0: 8,
  F6_E2M3: 6,
  F6_E3M2: 6,
  F4: 4,
  I64: 64,
  I32: 32,
  I16: 16,
  I8: 8,
  U64: 64,
  U32: 32,
  U16: 16,
  U8: 8,
  BOOL: 8,
} as const

export type SafetensorsDtype = keyof typeof dtypeBits

/** Bytes of a tensor; a fraction where its elements do not end with a byte. */
export const storedLength = (shape: readonly number[], dtype: SafetensorsDtype): number =>
  (shape.reduce((product, size) => product * size, 1) * dtypeBits[dtype]) / 8

/** A tensor's elements on the host: floating-point numbers as f32, the others as they are stored. */
export type StoredTensor = Float32Array | Int32Array | Uint32Array | BigInt64Array

/** The elements of stored bytes. */
export function storedToArray(bytes: Uint8Array, dtype: SafetensorsDtype): StoredTensor {
  const { buffer, byteOffset } = alignedBytes(bytes, Math.ceil(dtypeBits[dtype] / 8))
  const size = (bytes.length * 8) / dtypeBits[dtype]
  if (dtype === 'I32') return new Int32Array(buffer, byteOffset, size)
  if (dtype === 'U32') return new Uint32Array(buffer, byteOffset, size)
  if (dtype === 'I64') return new BigInt64Array(buffer, byteOffset, size)
  return storedToFloats(bytes, dtype)
}

/** The same bytes where a typed array of such elements may begin. */
function alignedBytes(bytes: Uint8Array, alignment: number): Uint8Array {
  return bytes.byteOffset % alignment === 0 ? bytes : bytes.slice()
}
