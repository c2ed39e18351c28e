import { pieceOf, twoBytes } from './bit-planes'
import { blockFormat } from './format'
import { halfToFloat } from './half'
import { twoPieces } from './q2-k'

/**
 * 256 elements in 16 parts: 32 bytes of third bits, those of run r of 32 elements at place r; 64 bytes of the lower two, as in
 * Q2_K; a scale of six bits for each part in 12 bytes; f16 d; x = d · (scale − 32) · (q − 4) (llama.cpp's Q3_K).
 */
export const q3_k = blockFormat({
  gguf: 11,
  elements: 256,
  bytes: 110,
  scales: { type: 'f16', places: [108] },
  decode(view, at, values) {
    const d = halfToFloat(view.getUint16(at + 108, true))
    for (let i = 0; i < 256; i++) {
      const low = (view.getUint8(at + 32 + (i >> 7) * 32 + (i & 31)) >> (2 * ((i >> 5) & 3))) & 3
      const third = (view.getUint8(at + (i & 31)) >> (i >> 5)) & 1
      values[i] = d * (scaleOf(view, at + 96, i >> 4) - 32) * ((low | (third << 2)) - 4)
    }
  },
  device: {
    words: 0.5,
    // 16 halves of third bits, a byte a piece; 6 of scales as they are; d.
    rest: 23,
    restType: 'u32',
    arrange(view, at, words, word, rest, half) {
      for (let i = 0; i < 16; i++) {
        words[word + i] = twoPieces(view, at + 32, i)
        rest[half + i] = twoBytes(view, at, i)
      }
      for (let i = 0; i < 7; i++) rest[half + 16 + i] = view.getUint16(at + 96 + 2 * i, true)
    },
    wgsl: `let at = (piece / 32u) * 23u;
    let number = piece & 31u;
    let thirds = half_NAME(at + number / 2u) >> (8u * (number & 1u));
    let part = number / 2u;
    let low = half_NAME(at + 16u + ((part & 7u) / 2u)) >> (8u * (part & 1u) + 4u * (part / 8u));
    let high = half_NAME(at + 20u + ((part & 3u) / 2u)) >> (8u * (part & 1u) + 2u * (part / 4u));
    let scale = f32((low & 15u) | ((high & 3u) << 4u)) - 32.0;
    let d = unpack2x16float(half_NAME(at + 22u)).x * scale;
    ${pieceOf(
      [
        { of: 'word', bits: 2 },
        { of: 'thirds', bits: 1 },
      ],
      (quants) => `(vec4f(${quants}) - 4.0) * d`,
    )}`,
  },
})

/** Low halves of the 16 scales in 8 bytes, 8 low ones first; then pairs of higher bits in 4. */
function scaleOf(view: DataView, at: number, part: number): number {
  const low = (view.getUint8(at + (part & 7)) >> (4 * (part >> 3))) & 15
  return low | (((view.getUint8(at + 8 + (part & 3)) >> (2 * (part >> 2))) & 3) << 4)
}
