import { OutriderError } from '@outrider/tensor'
import { type Format, type FormatName, formats } from '@outrider/tensor/internal'
import { hostFloats } from './host-floats'

/** Element types of weights on the device. */
export type WeightDtype = 'f32' | FormatName

/** The dtype whose bytes on the device are those that a file stores under this name (F32, BF16, Q4_K); undefined for others. */
export function weightDtype(stored: string): WeightDtype | undefined {
  const name = stored.toLowerCase()
  return name === 'f32' || Object.hasOwn(formats, name) ? (name as WeightDtype) : undefined
}

/** What holds such weights on the device: their own dtype, or one that they are widened to (F8); undefined for what are no weights. */
export function heldDtype(stored: string): WeightDtype | undefined {
  return weightDtype(stored) ?? hostFloats[stored]?.device
}

/**
 * The f32 values of stored bytes.
 *
 * @throws OutriderError UNSUPPORTED for elements that are no weights
 */
export function storedToFloats(bytes: Uint8Array, stored: string): Float32Array {
  const dtype = weightDtype(stored)
  if (dtype === undefined) {
    const host = hostFloats[stored]
    if (host) return host.decode(bytes)
    throw new OutriderError('UNSUPPORTED', `Tensors of dtype ${stored} are not weights that can be used.`, {
      remedy: 'Convert the model to F32, F16 or BF16.',
    })
  }
  if (dtype !== 'f32') return formats[dtype].decode(bytes)
  const { buffer, byteOffset } = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice()
  return new Float32Array(buffer, byteOffset, bytes.length / 4)
}

/** Element types that weights can be written as. */
export type WritableDtype = 'F32' | 'F16' | 'BF16' | 'Q8_0' | 'Q5_1' | 'Q5_0' | 'Q4_1' | 'Q4_0'

/**
 * The bytes that store f32 values, rounded to nearest; formats of blocks want a multiple of 32 of them.
 *
 * @param options.tensor  what they are the values of, for errors
 * @throws OutriderError UNSUPPORTED for values that are no numbers, or that the dtype has none for: beyond 65,504 in F16, and
 *   where a block's scale or least value would be
 */
export function floatsToStored(
  values: Float32Array,
  dtype: WritableDtype,
  { tensor = 'a tensor' }: { tensor?: string } = {},
): Uint8Array {
  const format: Format | undefined = dtype === 'F32' ? undefined : formats[dtype.toLowerCase() as FormatName]
  const outside = firstOutside(values, format?.limit ?? Number.POSITIVE_INFINITY)
  if (outside < values.length) throw notStorable(tensor, { at: outside, value: values[outside]!, dtype })
  return format ? format.encode!(values) : new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}

/** Where the first value is that is no number, or not below `limit`; the length where there is none. */
function firstOutside(values: Float32Array, limit: number): number {
  let at = 0
  while (at < values.length && Math.abs(values[at]!) < limit) at++
  return at
}

function notStorable(
  tensor: string,
  { at, value, dtype }: { at: number; value: number; dtype: WritableDtype },
): OutriderError {
  const isNumber = Number.isFinite(value)
  return new OutriderError(
    'UNSUPPORTED',
    isNumber
      ? `${tensor} has the value ${Number(value.toPrecision(7))} (element ${at}), more than ${dtype} can hold: it would become infinite.`
      : `${tensor} has the value ${value} (element ${at}), which is no number: a model with it answers nothing.`,
    {
      remedy: isNumber
        ? 'Write it as F32, or as BF16 where the format has it.'
        : 'Go back to weights from before it appeared: an earlier checkpoint, or the file as it was published.',
      details: { tensor, element: at, value: String(value), dtype },
    },
  )
}
