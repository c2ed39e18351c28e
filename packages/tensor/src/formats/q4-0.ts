import { roundedBlocks } from './rounded-blocks'

/** Four bits, x = d · (q − 8) (llama.cpp's Q4_0). */
export const q4_0 = roundedBlocks({ gguf: 2, bits: 4, least: false })
