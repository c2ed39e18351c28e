import { highNibbles, lowNibbles, pieceOf } from './bit-planes'
import { blockFormat } from './format'
import { halfToFloat } from './half'
import { unevenSteps } from './iq4-nl'
import { tableValue } from './table-values'

/**
 * 256 elements in 8 parts of 32: f16 d; the high two bits of the parts' scales in 2 bytes and their low halves in 4; then 16 bytes
 * of halves for each part, its elements 0 to 15 in the low ones; x = d · (scale − 32) · table[q] (llama.cpp's IQ4_XS).
 */
export const iq4_xs = blockFormat({
  gguf: 23,
  elements: 256,
  bytes: 136,
  scales: { type: 'f16', places: [0] },
  decode(view, at, values) {
    const d = halfToFloat(view.getUint16(at, true))
    for (let part = 0; part < 8; part++) {
      const low = (view.getUint8(at + 4 + (part >> 1)) >> (4 * (part & 1))) & 15
      const scale = d * ((low | (((view.getUint16(at + 2, true) >> (2 * part)) & 3) << 4)) - 32)
      for (let i = 0; i < 16; i++) {
        const pair = view.getUint8(at + 8 + 16 * part + i)
        values[32 * part + i] = scale * unevenSteps[pair & 15]!
        values[32 * part + i + 16] = scale * unevenSteps[pair >> 4]!
      }
    }
  },
  device: {
    words: 1,
    rest: 4,
    restType: 'u32',
    arrange(view, at, words, word, rest, half) {
      for (let i = 0; i < 4; i++) rest[half + i] = view.getUint16(at + 2 * i, true)
      for (let i = 0; i < 16; i++) {
        const place = word + 4 * (i >> 1) + (i & 1)
        words[place] = lowNibbles(view, at + 8 + 8 * i)
        words[place + 2] = highNibbles(view, at + 8 + 8 * i)
      }
    },
    wgsl: `let at = first + (piece / 32u) * 2u;
    let part = (piece / 4u) & 7u;
    let head = NAMERest[at];
    let low = NAMERest[at + 1u] >> (4u * part);
    let high = head >> (16u + 2u * part);
    let d = unpack2x16float(head).x * (f32((low & 15u) | ((high & 3u) << 4u)) - 32.0);
    ${pieceOf([{ of: 'word', bits: 4 }], (quants) => `${tableValue(unevenSteps, quants)} * d`)}`,
  },
})
