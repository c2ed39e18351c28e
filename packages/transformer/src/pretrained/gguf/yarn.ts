/** The bounds that llama.cpp's YaRN has in every file of the architectures here. */
export const yarnBounds = { betaFast: 32, betaSlow: 1, truncate: true } as const

/** What llama.cpp's YaRN multiplies by of itself, beside `rope.scaling.attn_factor`. */
export const yarnMagnitude = (factor: number): number => 1 + 0.1 * Math.log(factor)
