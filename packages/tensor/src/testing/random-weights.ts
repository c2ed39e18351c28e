import { floatToHalf } from '../formats/half'
import { type Format, type FormatName, formats } from '../formats/index'
import { uniform01 } from '../random/philox'

/** Weights of a format, as files hold them, with every bit random: elements of half precision are in [−0.1, 0.1). */
export function randomWeights(format: FormatName, size: number, stream: number): Uint8Array {
  const { elements, bytes, scales, encode, decode }: Format = formats[format]
  if (!scales) return encode!(Float32Array.from({ length: size }, (_, i) => 0.2 * uniform01(stream, i) - 0.1))
  const stored = Uint8Array.from({ length: (size / elements) * bytes }, (_, i) => 256 * uniform01(stream, i))
  const view = new DataView(stored.buffer)
  const write = (at: number, value: number) => {
    if (scales.type === 'f16') view.setUint16(at, floatToHalf(value), true)
    else view.setUint8(at, 127 + Math.round(Math.log2(Math.abs(value))))
  }
  // What elements of the first block come to by each scale alone makes it such that they are about 0.1.
  const largest = scales.places.map((one) => {
    for (const place of scales.places) write(place, place === one ? 1 : 0)
    return decode(stored.subarray(0, bytes)).reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  })
  for (let at = 0; at < stored.length; at += bytes)
    for (const [i, place] of scales.places.entries()) {
      const sign = uniform01(stream + 2, at + place) < 0.5 ? -1 : 1
      write(at + place, (sign * 0.15 * (0.5 + uniform01(stream + 1, at + place))) / largest[i]!)
    }
  return stored
}
