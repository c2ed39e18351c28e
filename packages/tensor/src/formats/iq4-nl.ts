import { halfToFloat } from './half'
import { nibbleBlocks } from './nibble-blocks'
import { tableValue } from './table-values'

/** What the quants of IQ4_NL and IQ4_XS stand for. */
export const unevenSteps = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113] as const

/** 32 elements: an f16 scale d, then 16 bytes of halves; x = d · table[q] (llama.cpp's IQ4_NL). */
export const iq4_nl = nibbleBlocks({
  gguf: 20,
  scales: { type: 'f16', places: [0] },
  head: 2,
  decode(view, at) {
    const d = halfToFloat(view.getUint16(at, true))
    return (quant) => d * unevenSteps[quant]!
  },
  prepare: 'let d = unpack2x16float(half_NAME(piece / 4u)).x;',
  value: (quants) => `${tableValue(unevenSteps, quants)} * d`,
})
