import { OutriderError } from './errors'
import { type Format, type FormatName, formats, restBytes, wordBytes } from './formats/index'

/**
 * Elements that operations compute with. f16 is a storage type, computed in f32. Weights, pointwise operations, attention and
 * cast read it as halves of words and need no `shader-f16`; what else takes f16 says that it does.
 */
export type ElementDType = 'f32' | 'f16' | 'u32' | 'i32'

/** Element types. Beside numbers, the formats of weights, which `linear`, `embedding` and `cast` read. */
export type DType = ElementDType | FormatName

export type TypedArray = Float32Array | Uint32Array | Int32Array | Uint16Array | Uint8Array

const elementBytes: Readonly<Partial<Record<DType, number>>> = { f32: 4, f16: 2, bf16: 2, u32: 4, i32: 4 }

/**
 * Bytes of one element, for what moves elements about.
 *
 * @throws OutriderError DTYPE_MISMATCH for formats that store blocks of them
 */
export function bytesPerElement(operation: string, dtype: DType): number {
  const bytes = elementBytes[dtype]
  if (bytes !== undefined) return bytes
  throw new OutriderError('DTYPE_MISMATCH', `${operation}: the tensor is stored in blocks of ${dtype}.`, {
    remedy: "cast(x, 'f32') first.",
  })
}

export const isFormat = (dtype: DType): dtype is FormatName => dtype in formats

/** Whether weights are of a format that is read by spans (`Format`). */
export const isInSpans = (dtype: DType): boolean =>
  isFormat(dtype) && (formats[dtype] as Format).device.span !== undefined

/** Whether f16 holds such weights as they are: bf16 has fewer digits, and no weight is as far from 1 as its range. */
export const fitsHalves = (dtype: DType): boolean => dtype === 'f16' || dtype === 'bf16'

/** Bytes that `size` elements take on the device. */
export function storedBytes(size: number, dtype: DType): number {
  const bytes = elementBytes[dtype]
  if (bytes !== undefined) return size * bytes
  const format: Format = formats[dtype as FormatName]
  return wordBytes(format.device, size) + restBytes(format, size)
}

/** The same with its padding: bindings are read as vec4, so buffers end on 16 bytes. */
export const paddedBytes = (size: number, dtype: DType): number => Math.ceil(storedBytes(size, dtype) / 16) * 16

/** Bytes of so many elements in files. */
export function fileBytes(size: number, dtype: DType): number {
  if (!isFormat(dtype)) return size * 4
  const { elements, bytes } = formats[dtype]
  return (size / elements) * bytes
}
