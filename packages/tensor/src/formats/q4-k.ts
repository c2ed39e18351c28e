import { blockFormat } from './format'
import { halfToFloat } from './half'
import { highNibbles, lowNibbles } from './nibbles'

/**
 * 256 elements in 8 parts of 32: f16 d and dmin; a scale and a minimum of 6 bits for each part in 12 bytes; 128 bytes of
 * halves, 32 low ones and then the 32 high ones of the same bytes; x = d · scale · q − dmin · minimum (llama.cpp's Q4_K).
 */
export const q4_k = blockFormat({
  elements: 256,
  bytes: 144,
  decode(view, at, values) {
    const [d, dmin] = [halfToFloat(view.getUint16(at, true)), halfToFloat(view.getUint16(at + 2, true))]
    const packed = (i: number) => view.getUint8(at + 4 + i)
    for (let part = 0; part < 8; part++) {
      const [scale, minimum] =
        part < 4
          ? [packed(part) & 63, packed(part + 4) & 63]
          : [
              (packed(part + 4) & 15) | ((packed(part - 4) >> 6) << 4),
              (packed(part + 4) >> 4) | ((packed(part) >> 6) << 4),
            ]
      const quants = at + 16 + (part >> 1) * 32
      for (let i = 0; i < 32; i++) {
        const byte = view.getUint8(quants + i)
        values[part * 32 + i] = d * scale * (part % 2 === 0 ? byte & 15 : byte >> 4) - dmin * minimum
      }
    }
  },
  device: {
    words: 1,
    rest: 8,
    restType: 'vec4u',
    arrange(view, at, words, word, rest, half) {
      for (let i = 0; i < 8; i++) rest[half + i] = view.getUint16(at + 2 * i, true)
      for (let i = 0; i < 16; i++) {
        const [a, b] = [view.getUint32(at + 16 + 8 * i, true), view.getUint32(at + 20 + 8 * i, true)]
        const place = word + (i >> 2) * 8 + (i & 3)
        words[place] = lowNibbles(a, b)
        words[place + 4] = highNibbles(a, b)
      }
    },
    wgsl: `let head = NAMERest[first + piece / 32u];
    let d = unpack2x16float(head.x);
    let part = (piece / 4u) & 7u;
    let place = 8u * (part & 3u);
    let scales = head.yzw >> vec3u(place);
    let upper = part >= 4u;
    let scale = select(scales.x & 63u, (scales.z & 15u) | (((scales.x >> 6u) & 3u) << 4u), upper);
    let minimum = select(scales.y & 63u, ((scales.z >> 4u) & 15u) | (((scales.y >> 6u) & 3u) << 4u), upper);
    let slope = d.x * f32(scale);
    let least = d.y * f32(minimum);
    let places = vec4u(0u, 4u, 8u, 12u);
    return Piece(
      vec4f((vec4u(word) >> places) & vec4u(15u)) * slope - least,
      vec4f((vec4u(word >> 16u) >> places) & vec4u(15u)) * slope - least);`,
  },
})
