import { roundedBlocks } from './rounded-blocks'

/** Four bits, x = d · q + m (llama.cpp's Q4_1). */
export const q4_1 = roundedBlocks({ gguf: 3, bits: 4, least: true })
