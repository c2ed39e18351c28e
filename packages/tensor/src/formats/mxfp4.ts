import { nibbleBlocks } from './nibble-blocks'
import { tableValue } from './table-values'

/** The numbers of E2M1, doubled. */
const doubled = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12]

/**
 * 32 elements: an exponent e (E8M0), then 16 bytes of halves; x = 2^(e − 128) · table[q] (llama.cpp's MXFP4; OCP Microscaling
 * Formats 1.0). The device has a half for the exponent's byte: the scale as bfloat16.
 */
export const mxfp4 = nibbleBlocks({
  gguf: 39,
  scales: { type: 'e8m0', places: [0] },
  head: 1,
  decode(view, at) {
    const d = 2 ** (view.getUint8(at) - 128)
    return (quant) => d * doubled[quant]!
  },
  halves(view, at) {
    const exponent = view.getUint8(at)
    // Below 2^−126 a number of bfloat16 has no exponent.
    return [exponent < 2 ? 0x20 << exponent : (exponent - 1) << 7]
  },
  prepare: 'let d = bitcast<f32>(half_NAME(piece / 4u) << 16u);',
  value: (quants) => `${tableValue(doubled, quants)} * d`,
})
