import { blockFormat } from './format'
import { halfToFloat } from './half'
import { highNibbles, lowNibbles } from './nibbles'

/**
 * 32 elements: an f16 scale d and an f16 minimum m, then 16 bytes of halves, elements 0 to 15 in the low ones; x = d · q + m
 * (llama.cpp's Q4_1).
 */
export const q4_1 = blockFormat({
  elements: 32,
  bytes: 20,
  decode(view, at, values) {
    const [d, m] = [halfToFloat(view.getUint16(at, true)), halfToFloat(view.getUint16(at + 2, true))]
    for (let i = 0; i < 16; i++) {
      const pair = view.getUint8(at + 4 + i)
      values[i] = d * (pair & 15) + m
      values[i + 16] = d * (pair >> 4) + m
    }
  },
  device: {
    words: 1,
    rest: 2,
    restType: 'u32',
    arrange(view, at, words, word, rest, half) {
      rest[half] = view.getUint16(at, true)
      rest[half + 1] = view.getUint16(at + 2, true)
      for (let i = 0; i < 2; i++) {
        const [a, b] = [view.getUint32(at + 4 + 8 * i, true), view.getUint32(at + 8 + 8 * i, true)]
        words[word + i] = lowNibbles(a, b)
        words[word + 2 + i] = highNibbles(a, b)
      }
    },
    wgsl: `let line = unpack2x16float(NAMERest[first + piece / 4u]);
    let places = vec4u(0u, 4u, 8u, 12u);
    return Piece(
      vec4f((vec4u(word) >> places) & vec4u(15u)) * line.x + line.y,
      vec4f((vec4u(word >> 16u) >> places) & vec4u(15u)) * line.x + line.y);`,
  },
})
