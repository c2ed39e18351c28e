import { floatToHalf } from '@outrider/tensor'
import { floatsToStored } from '../safetensors/dtype'
import { ggufDtypes } from './dtype'

/** Element types that weights can be written as. */
export type WritableDtype = 'F32' | 'F16' | 'Q8_0'

/** The bytes that store f32 values. Q8_0 wants a multiple of 32 of them. */
export function quantize(values: Float32Array, dtype: WritableDtype): Uint8Array {
  return dtype === 'Q8_0' ? quantizeQ8(values) : floatsToStored(values, dtype)
}

/** Blocks of 32: an f16 scale d = max |x| / 127, then round(x / d) as i8, as llama.cpp's reference does. */
function quantizeQ8(values: Float32Array): Uint8Array {
  const { elements, bytes } = ggufDtypes.Q8_0
  const stored = new DataView(new ArrayBuffer((values.length / elements) * bytes))
  for (let block = 0, at = 0; block < values.length; block += elements, at += bytes) {
    const piece = values.subarray(block, block + elements)
    const scale = piece.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) / 127
    stored.setUint16(at, floatToHalf(scale), true)
    for (const [i, value] of piece.entries()) stored.setInt8(at + 2 + i, scale === 0 ? 0 : awayFromZero(value / scale))
  }
  return new Uint8Array(stored.buffer)
}

const awayFromZero = (x: number) => Math.sign(x) * Math.floor(Math.abs(x) + 0.5)
