import { bitPairs, pieceOf } from './bit-planes'
import { blockFormat } from './format'
import { halfToFloat } from './half'

/**
 * 256 elements in 16 parts: for each a byte with a scale in its low half and a minimum in its high one; 64 bytes of two bits of
 * four elements, in halves of 128 elements, each four runs of 32; f16 d and dmin; x = d · scale · q − dmin · minimum
 * (llama.cpp's Q2_K).
 */
export const q2_k = blockFormat({
  gguf: 10,
  elements: 256,
  bytes: 84,
  scales: { type: 'f16', places: [80, 82] },
  decode(view, at, values) {
    const [d, dmin] = [halfToFloat(view.getUint16(at + 80, true)), halfToFloat(view.getUint16(at + 82, true))]
    for (let i = 0; i < 256; i++) {
      const scales = view.getUint8(at + (i >> 4))
      const quant = (view.getUint8(at + 16 + (i >> 7) * 32 + (i & 31)) >> (2 * ((i >> 5) & 3))) & 3
      values[i] = d * (scales & 15) * quant - dmin * (scales >> 4)
    }
  },
  device: {
    words: 0.5,
    rest: 10,
    restType: 'u32',
    arrange(view, at, words, word, rest, half) {
      for (let i = 0; i < 16; i++) words[word + i] = twoPieces(view, at + 16, i)
      for (let i = 0; i < 8; i++) rest[half + i] = view.getUint16(at + 2 * i, true)
      for (let i = 0; i < 2; i++) rest[half + 8 + i] = view.getUint16(at + 80 + 2 * i, true)
    },
    wgsl: `let at = first + (piece / 32u) * 5u;
    let number = piece & 31u;
    let scales = NAMERest[at + number / 8u] >> (8u * ((number / 2u) & 3u));
    let d = unpack2x16float(NAMERest[at + 4u]);
    let slope = d.x * f32(scales & 15u);
    let least = d.y * f32((scales >> 4u) & 15u);
    ${pieceOf([{ of: 'word', bits: 2 }], (quants) => `vec4f(${quants}) * slope - least`)}`,
  },
})

/** Two bits of the elements 16 i … of a block whose 64 bytes of them begin at `at`. */
export function twoPieces(view: DataView, at: number, i: number): number {
  const [bytes, place] = [at + (i >> 3) * 32 + (i & 1) * 16, 2 * ((i >> 1) & 3)]
  return (bitPairs(view, bytes, place) | (bitPairs(view, bytes + 8, place) << 16)) >>> 0
}
