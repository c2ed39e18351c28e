import { type DType, fileBytes, isFormat, type TypedArray } from './dtype'
import { OutriderError, ShapeError } from './errors'
import { formats } from './formats/index'
import { checkShape, flattenNested, type NestedArray, type Shape, sizeOf } from './shape'

export type TensorData = NestedArray | TypedArray | readonly number[]

/** What host data is as a tensor: its elements, shape and dtype. */
export function tensorData(
  data: TensorData,
  options: { shape?: Shape; dtype?: DType },
): { array: TypedArray; shape: Shape; dtype: DType } {
  const nested = ArrayBuffer.isView(data) ? null : flattenNested(data)
  const array = nested ? fromNumbers(nested.values, options.dtype ?? 'f32') : (data as TypedArray)
  const dtype = options.dtype ?? dtypeOf(array)
  const shape = options.shape ?? nested?.shape ?? (array instanceof Uint8Array ? undefined : [array.length])
  if (!dtype || !shape)
    throw new OutriderError('INVALID_ARGUMENT', 'device.tensor: bytes are given without their shape and dtype.')
  checkShape('device.tensor', shape)
  if (!(array instanceof Uint8Array) && sizeOf(shape) !== array.length)
    throw new ShapeError('device.tensor', [shape], `${array.length} elements were given`)
  checkLength(array, dtype, sizeOf(shape))
  return { array, shape, dtype }
}

function fromNumbers(values: number[], dtype: DType): TypedArray {
  if (dtype === 'u32') return Uint32Array.from(values)
  if (dtype === 'i32') return Int32Array.from(values)
  return Float32Array.from(values)
}

function dtypeOf(array: TypedArray): DType | undefined {
  if (array instanceof Float32Array) return 'f32'
  if (array instanceof Uint32Array) return 'u32'
  if (array instanceof Int32Array) return 'i32'
  return array instanceof Uint16Array ? 'f16' : undefined
}

/**
 * Elements as files hold them. f32 values for a format of weights are rounded to it; bytes are taken to be of the dtype.
 *
 * @throws OutriderError INVALID_ARGUMENT for another number of elements; DTYPE_MISMATCH; UNSUPPORTED for formats that can be
 *   read and not made
 */
export function hostBytes(array: TypedArray, dtype: DType, size: number): Uint8Array {
  checkLength(array, dtype, size)
  const given = dtypeOf(array)
  if (given === 'f32' && isFormat(dtype)) {
    const { encode } = formats[dtype] as (typeof formats)['f16']
    if (encode) return encode(array as Float32Array)
    throw new OutriderError('UNSUPPORTED', `Numbers cannot be stored as ${dtype}: it can only be read.`)
  }
  const halves = given === 'f16' && dtype === 'bf16'
  if (given !== undefined && given !== dtype && !halves)
    throw new OutriderError('DTYPE_MISMATCH', `A ${dtype} tensor cannot be written from ${array.constructor.name}.`)
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}

function checkLength(array: TypedArray, dtype: DType, size: number): void {
  const whole = array instanceof Uint8Array ? fileBytes(size, dtype) : size
  if (array.length !== whole)
    throw new OutriderError(
      'INVALID_ARGUMENT',
      `A tensor of ${size} elements ${array instanceof Uint8Array ? `takes ${whole} bytes of ${dtype}, not ${array.length}` : `cannot take ${array.length}`}.`,
    )
}
