import { blockFormat } from './format'
import { floatToHalf, halfLimit, halfToFloat } from './half'

/** 32 elements: an f16 scale d, then 32 i8; x = d · q (llama.cpp's Q8_0). */
export const q8_0 = blockFormat({
  gguf: 8,
  elements: 32,
  bytes: 34,
  scales: { type: 'f16', places: [0] },
  decode(view, at, values) {
    const d = halfToFloat(view.getUint16(at, true))
    for (let i = 0; i < 32; i++) values[i] = d * view.getInt8(at + 2 + i)
  },
  /** d = max |x| / 127, q = x / d rounded, halves away from zero. */
  encode(values, view, at) {
    let largest = 0
    for (let i = 0; i < 32; i++) largest = Math.max(largest, Math.abs(values[i]!))
    const d = largest / 127
    view.setUint16(at, floatToHalf(d), true)
    for (let i = 0; i < 32; i++) {
      const quotient = d === 0 ? 0 : values[i]! / d
      view.setInt8(at + 2 + i, Math.sign(quotient) * Math.floor(Math.abs(quotient) + 0.5))
    }
  },
  limit: halfLimit * 127,
  device: {
    words: 2,
    rest: 1,
    restType: 'u32',
    arrange(view, at, words, word, rest, half) {
      rest[half] = view.getUint16(at, true)
      for (let i = 0; i < 8; i++) words[word + i] = view.getUint32(at + 2 + 4 * i, true)
    },
    wgsl: `let d = unpack2x16float(half_NAME(piece / 4u)).x;
    let places = vec4u(24u, 16u, 8u, 0u);
    return Piece(
      vec4f(bitcast<vec4i>(vec4u(word.x) << places) >> vec4u(24u)) * d,
      vec4f(bitcast<vec4i>(vec4u(word.y) << places) >> vec4u(24u)) * d);`,
    span: {
      line: 'return vec2f(unpack2x16float(half_NAME(span)).x, 0.0);',
      least: false,
      quant: (words, i) => `f32(bitcast<i32>(${words[i >> 2]} << ${24 - 8 * (i & 3)}u) >> 24u)`,
    },
  },
})
