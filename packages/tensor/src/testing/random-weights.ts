import { floatToHalf } from '../formats/half'
import { type FormatName, formats } from '../formats/index'
import { uniform01 } from '../random/philox'

/** Where a block has f16 numbers, and a size for each that makes elements of about 0.1. */
const scales: Partial<Record<FormatName, readonly { place: number; size: number }[]>> = {
  q8_0: [{ place: 0, size: 0.001 }],
  q4_0: [{ place: 0, size: 0.02 }],
  q4_1: [
    { place: 0, size: 0.02 },
    { place: 2, size: -0.15 },
  ],
  q4_k: [
    { place: 0, size: 0.0004 },
    { place: 2, size: 0.0004 },
  ],
  q6_k: [{ place: 208, size: 0.00006 }],
}

/** Weights of a format, as files hold them, with every bit random: elements of half precision are in [−0.1, 0.1). */
export function randomWeights(format: FormatName, size: number, stream: number): Uint8Array {
  const { elements, bytes, encode } = formats[format] as (typeof formats)['f16']
  const random = scales[format]
  if (!random) return encode!(Float32Array.from({ length: size }, (_, i) => 0.2 * uniform01(stream, i) - 0.1))
  const stored = Uint8Array.from({ length: (size / elements) * bytes }, (_, i) => 256 * uniform01(stream, i))
  const view = new DataView(stored.buffer)
  for (let at = 0; at < stored.length; at += bytes)
    for (const { place, size } of random)
      view.setUint16(at + place, floatToHalf(size * (0.5 + uniform01(stream + 1, at + place))), true)
  return stored
}
