import { bitPairs, highNibbles, lowNibbles, pieceOf } from './bit-planes'
import { blockFormat } from './format'
import { halfToFloat } from './half'

/**
 * 256 elements: 128 bytes of low 4 bits, 64 of high 2 bits, 16 i8 scales (one for 16 elements), f16 d; elements in halves of
 * 128, each four runs of 32; x = d · scale · (q − 32) (llama.cpp's Q6_K).
 */
export const q6_k = blockFormat({
  gguf: 14,
  elements: 256,
  bytes: 210,
  scales: { type: 'f16', places: [208] },
  decode(view, at, values) {
    const d = halfToFloat(view.getUint16(at + 208, true))
    for (let part = 0; part < 2; part++)
      for (let run = 0; run < 4; run++)
        for (let i = 0; i < 32; i++) {
          const low = view.getUint8(at + part * 64 + (run % 2) * 32 + i)
          const high = view.getUint8(at + 128 + part * 32 + i)
          const quant = ((run < 2 ? low & 15 : low >> 4) | (((high >> (2 * run)) & 3) << 4)) - 32
          const scale = view.getInt8(at + 192 + part * 8 + run * 2 + (i >> 4))
          values[part * 128 + run * 32 + i] = d * scale * quant
        }
  },
  device: {
    words: 1,
    // 32 halves of high bits, 8 of scales, d, and one of padding.
    rest: 42,
    restType: 'u32',
    arrange(view, at, words, word, rest, half) {
      for (let part = 0; part < 2; part++)
        for (let i = 0; i < 8; i++) {
          // Bytes 8 i … of the low bits are of run i / 4 and, in their high halves, of run 2 + i / 4.
          const place = part * 16 + (i >> 2) * 4 + (i & 3)
          const [lows, highs] = [at + part * 64 + 8 * i, at + 128 + part * 32 + 8 * (i & 3)]
          words[word + place] = lowNibbles(view, lows)
          words[word + place + 8] = highNibbles(view, lows)
          rest[half + place] = bitPairs(view, highs, 2 * (i >> 2))
          rest[half + place + 8] = bitPairs(view, highs, 4 + 2 * (i >> 2))
        }
      for (let i = 0; i < 8; i++) rest[half + 32 + i] = view.getUint16(at + 192 + 2 * i, true)
      rest[half + 40] = view.getUint16(at + 208, true)
    },
    wgsl: `let at = first + (piece / 32u) * 21u;
    let number = piece & 31u;
    let pairs = NAMERest[at + number / 2u] >> (16u * (number & 1u));
    let scales = NAMERest[at + 16u + number / 8u];
    let scale = bitcast<i32>(scales << (24u - 8u * ((number / 2u) & 3u))) >> 24u;
    let d = unpack2x16float(NAMERest[at + 20u]).x * f32(scale);
    ${pieceOf(
      [
        { of: 'word', bits: 4 },
        { of: 'pairs', bits: 2 },
      ],
      (quants) => `(vec4f(${quants}) - 32.0) * d`,
    )}`,
  },
})
