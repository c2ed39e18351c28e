import { storedToFloats } from '../stored-floats'

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

/** The elements of stored bytes. */
export function storedToArray(bytes: Uint8Array, dtype: SafetensorsDtype): StoredTensor {
  const { buffer, byteOffset } = alignedBytes(bytes, dtypeBytes[dtype])
  const size = bytes.length / dtypeBytes[dtype]
  if (dtype === 'I32') return new Int32Array(buffer, byteOffset, size)
  if (dtype === 'U32') return new Uint32Array(buffer, byteOffset, size)
  if (dtype === 'I64') return new BigInt64Array(buffer, byteOffset, size)
  return storedToFloats(bytes, dtype)
}

/** The same bytes where a typed array of such elements may begin. */
function alignedBytes(bytes: Uint8Array, alignment: number): Uint8Array {
  return bytes.byteOffset % alignment === 0 ? bytes : bytes.slice()
}
