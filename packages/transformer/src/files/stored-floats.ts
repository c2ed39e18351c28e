import { type FormatName, formats, OutriderError } from '@outrider/tensor'
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
export type WritableDtype = 'F32' | 'F16' | 'BF16' | 'Q8_0' | 'Q4_0'

const writable = { F16: formats.f16, BF16: formats.bf16, Q8_0: formats.q8_0, Q4_0: formats.q4_0 }

/** The bytes that store f32 values, rounded to nearest; Q8_0 and Q4_0 want a multiple of 32 of them. */
export function floatsToStored(values: Float32Array, dtype: WritableDtype): Uint8Array {
  if (dtype === 'F32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  return writable[dtype].encode!(values)
}
