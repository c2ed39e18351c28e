import { type Format, halvesOf } from './format'

/** bfloat16: the upper half of an f32. */
export const bf16: Format = {
  gguf: 30,
  elements: 1,
  bytes: 2,
  decode(bytes) {
    const halves = halvesOf(bytes)
    const words = new Uint32Array(halves.length)
    for (let i = 0; i < halves.length; i++) words[i] = halves[i]! << 16
    return new Float32Array(words.buffer)
  },
  /** To nearest, ties to even. */
  encode(values) {
    const words = new Uint32Array(values.buffer, values.byteOffset, values.length)
    const halves = new Uint16Array(words.length)
    for (let i = 0; i < words.length; i++) {
      const word = words[i]!
      const isNan = (word & 0x7fffffff) > 0x7f800000
      halves[i] = isNan ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16
    }
    return new Uint8Array(halves.buffer)
  },
  limit: (2 - 2 ** -8) * 2 ** 127,
  device: {
    words: 4,
    rest: 0,
    restType: 'u32',
    wgsl: `let low = word << vec4u(16u);
    let high = word & vec4u(0xffff0000u);
    return Piece(
      bitcast<vec4f>(vec4u(low.x, high.x, low.y, high.y)),
      bitcast<vec4f>(vec4u(low.z, high.z, low.w, high.w)));`,
  },
}
