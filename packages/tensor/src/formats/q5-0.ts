import { blockFormat } from './format'
import { halfToFloat } from './half'
import { highNibbles, lowNibbles } from './nibbles'

/**
 * 32 elements: an f16 scale d, the fifth bits of all in 4 bytes, then 16 bytes of halves, elements 0 to 15 in the low ones;
 * x = d · (q − 16) (llama.cpp's Q5_0).
 */
export const q5_0 = blockFormat({
  elements: 32,
  bytes: 22,
  decode(view, at, values) {
    const d = halfToFloat(view.getUint16(at, true))
    const fifth = view.getUint32(at + 2, true)
    for (let i = 0; i < 16; i++) {
      const pair = view.getUint8(at + 6 + i)
      values[i] = d * (((pair & 15) | (((fifth >>> i) & 1) << 4)) - 16)
      values[i + 16] = d * (((pair >> 4) | (((fifth >>> (i + 16)) & 1) << 4)) - 16)
    }
  },
  device: {
    words: 1,
    rest: 3,
    restType: 'u32',
    arrange(view, at, words, word, rest, half) {
      for (let i = 0; i < 3; i++) rest[half + i] = view.getUint16(at + 2 * i, true)
      for (let i = 0; i < 2; i++) {
        const [a, b] = [view.getUint32(at + 6 + 8 * i, true), view.getUint32(at + 10 + 8 * i, true)]
        words[word + i] = lowNibbles(a, b)
        words[word + 2 + i] = highNibbles(a, b)
      }
    },
    wgsl: `let scale = 3u * (piece / 4u);
    let d = unpack2x16float(NAMERest[first + scale / 2u])[scale & 1u];
    let high = scale + 1u + ((piece >> 1u) & 1u);
    let fifth = NAMERest[first + high / 2u] >> (16u * (high & 1u) + 8u * (piece & 1u));
    let places = vec4u(0u, 4u, 8u, 12u);
    let bits = vec4u(0u, 1u, 2u, 3u);
    return Piece(
      (vec4f(((vec4u(word) >> places) & vec4u(15u)) | (((vec4u(fifth) >> bits) & vec4u(1u)) << vec4u(4u))) - 16.0) * d,
      (vec4f(((vec4u(word >> 16u) >> places) & vec4u(15u)) | (((vec4u(fifth >> 4u) >> bits) & vec4u(1u)) << vec4u(4u))) - 16.0) * d);`,
  },
})
