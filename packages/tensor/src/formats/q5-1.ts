import { roundedBlocks } from './rounded-blocks'

/** Five bits, x = d · q + m (llama.cpp's Q5_1). */
export const q5_1 = roundedBlocks({ gguf: 7, bits: 5, least: true })
