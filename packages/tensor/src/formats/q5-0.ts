import { roundedBlocks } from './rounded-blocks'

/** Five bits, x = d · (q − 16) (llama.cpp's Q5_0). */
export const q5_0 = roundedBlocks({ gguf: 6, bits: 5, least: false })
