import { slopedParts } from './sloped-parts'

/** Five bits (llama.cpp's Q5_K). */
export const q5_k = slopedParts({ gguf: 13, bits: 5 })
