import { type Format, halvesOf } from './format'
import { floatToHalf, halfLimit, halfToFloat } from './half'

let table: Float32Array | undefined

/** IEEE half precision. */
export const f16: Format = {
  gguf: 1,
  elements: 1,
  bytes: 2,
  decode(bytes) {
    table ??= Float32Array.from({ length: 65_536 }, (_, half) => halfToFloat(half))
    const halves = halvesOf(bytes)
    const values = new Float32Array(halves.length)
    for (let i = 0; i < halves.length; i++) values[i] = table[halves[i]!]!
    return values
  },
  /** To nearest, ties to even. */
  encode(values) {
    // Not by Uint16Array.from, which first makes a list of all of them: too long a one for the table of a large vocabulary.
    const halves = new Uint16Array(values.length)
    for (let i = 0; i < values.length; i++) halves[i] = floatToHalf(values[i]!)
    return new Uint8Array(halves.buffer)
  },
  limit: halfLimit,
  device: {
    words: 4,
    rest: 0,
    restType: 'u32',
    wgsl: `return Piece(
      vec4f(unpack2x16float(word.x), unpack2x16float(word.y)),
      vec4f(unpack2x16float(word.z), unpack2x16float(word.w)));`,
  },
}
