import { slopedParts } from './sloped-parts'

/** Four bits (llama.cpp's Q4_K). */
export const q4_k = slopedParts({ gguf: 12, bits: 4 })
