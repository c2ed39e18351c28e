import { bytesPerElement, type DType, floatToHalf, type TypedArray } from './dtype'
import { OutriderError, ShapeError } from './errors'
import { flattenNested, type NestedArray, type Shape, sizeOf } from './shape'

export type TensorData = NestedArray | TypedArray | readonly number[]

/** What host data is as a tensor: its elements, shape and dtype. */
export function tensorData(
  data: TensorData,
  options: { shape?: Shape; dtype?: DType },
): { array: TypedArray; shape: Shape; dtype: DType } {
  const nested = ArrayBuffer.isView(data) ? null : flattenNested(data)
  const array = nested ? fromNumbers(nested.values, options.dtype ?? 'f32') : (data as TypedArray)
  const dtype = options.dtype ?? dtypeOf(array)
  const shape = options.shape ?? nested?.shape ?? [array.length]
  if (sizeOf(shape) !== array.length)
    throw new ShapeError('device.tensor', [shape], `${array.length} elements were given`)
  return { array, shape, dtype }
}

function fromNumbers(values: number[], dtype: DType): TypedArray {
  if (dtype === 'u32') return Uint32Array.from(values)
  if (dtype === 'i32') return Int32Array.from(values)
  return Float32Array.from(values)
}

function dtypeOf(array: TypedArray): DType {
  if (array instanceof Float32Array) return 'f32'
  if (array instanceof Uint32Array) return 'u32'
  if (array instanceof Int32Array) return 'i32'
  return 'f16'
}

/** Elements as the device stores them, in whole words. f32 values for an f16 tensor are rounded to nearest. */
export function hostBytes(array: TypedArray, dtype: DType, size: number): Uint8Array {
  if (array.length !== size)
    throw new OutriderError('INVALID_ARGUMENT', `A tensor of ${size} elements cannot take ${array.length}.`)
  const given = dtypeOf(array)
  const stored = dtype === 'f16' && given === 'f32' ? Uint16Array.from(array, floatToHalf) : array
  if (stored === array && given !== dtype)
    throw new OutriderError('DTYPE_MISMATCH', `A ${dtype} tensor cannot be written from ${array.constructor.name}.`)
  const bytes = new Uint8Array(stored.buffer, stored.byteOffset, size * bytesPerElement[dtype])
  if (bytes.byteLength % 4 === 0) return bytes
  const padded = new Uint8Array(bytes.byteLength + 2)
  padded.set(bytes)
  return padded
}
