import { blockFormat } from './format'
import { floatToHalf, halfToFloat } from './half'
import { highNibbles, lowNibbles } from './nibbles'

/** 32 elements: an f16 scale d, then 16 bytes of halves, elements 0 to 15 in the low ones; x = d · (q − 8) (llama.cpp's Q4_0). */
export const q4_0 = blockFormat({
  elements: 32,
  bytes: 18,
  decode(view, at, values) {
    const d = halfToFloat(view.getUint16(at, true))
    for (let i = 0; i < 16; i++) {
      const pair = view.getUint8(at + 2 + i)
      values[i] = d * ((pair & 15) - 8)
      values[i + 16] = d * ((pair >> 4) - 8)
    }
  },
  /** The element of the largest magnitude becomes −8: d = that / −8, q = x / d + 8 rounded, at most 15. */
  encode(values, view, at) {
    let extreme = 0
    for (let i = 0; i < 32; i++) if (Math.abs(values[i]!) > Math.abs(extreme)) extreme = values[i]!
    const d = extreme / -8
    view.setUint16(at, floatToHalf(d), true)
    const quant = (i: number) => (d === 0 ? 8 : Math.min(15, Math.floor(values[i]! / d + 8.5)))
    for (let i = 0; i < 16; i++) view.setUint8(at + 2 + i, quant(i) | (quant(i + 16) << 4))
  },
  device: {
    words: 1,
    rest: 1,
    restType: 'u32',
    arrange(view, at, words, word, rest, half) {
      rest[half] = view.getUint16(at, true)
      for (let i = 0; i < 2; i++) {
        const [a, b] = [view.getUint32(at + 2 + 8 * i, true), view.getUint32(at + 6 + 8 * i, true)]
        words[word + i] = lowNibbles(a, b)
        words[word + 2 + i] = highNibbles(a, b)
      }
    },
    wgsl: `let d = unpack2x16float(NAMERest[first + piece / 8u])[(piece / 4u) & 1u];
    let places = vec4u(0u, 4u, 8u, 12u);
    return Piece(
      (vec4f((vec4u(word) >> places) & vec4u(15u)) - 8.0) * d,
      (vec4f((vec4u(word >> 16u) >> places) & vec4u(15u)) - 8.0) * d);`,
  },
})
