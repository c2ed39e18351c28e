/** How rotary frequencies are stretched for contexts longer than those that a model was first trained on. */
export type RopeScaling =
  /** Every frequency divided by the factor (Chen et al. 2023, arXiv 2306.15595). */
  | { type: 'linear'; factor: number }
  /** Low frequencies divided by the factor, high ones kept, those between blended (Llama 3.1, arXiv 2407.21783). */
  | {
      type: 'llama3'
      factor: number
      lowFrequencyFactor: number
      highFrequencyFactor: number
      originalContextLength: number
    }

export function writeRopeScaling(scaling: RopeScaling | undefined): Record<string, unknown> | null {
  if (!scaling) return null
  if (scaling.type === 'linear') return { rope_type: 'linear', factor: scaling.factor }
  return {
    rope_type: 'llama3',
    factor: scaling.factor,
    low_freq_factor: scaling.lowFrequencyFactor,
    high_freq_factor: scaling.highFrequencyFactor,
    original_max_position_embeddings: scaling.originalContextLength,
  }
}

/** Radians a position by rotary pair: θ^(−2i/headDim), stretched. */
export function rotaryFrequencies({
  headDim,
  ropeTheta,
  ropeScaling,
}: {
  headDim: number
  ropeTheta: number
  ropeScaling?: RopeScaling
}): Float64Array {
  return Float64Array.from({ length: headDim / 2 }, (_, i) => {
    const frequency = ropeTheta ** ((-2 * i) / headDim)
    if (!ropeScaling) return frequency
    const stretched = frequency / ropeScaling.factor
    if (ropeScaling.type === 'linear') return stretched
    const { lowFrequencyFactor: low, highFrequencyFactor: high, originalContextLength } = ropeScaling
    // Turns within the original context: few are low frequencies, many are high ones.
    const turns = (originalContextLength * frequency) / (2 * Math.PI)
    const kept = Math.min(1, Math.max(0, (turns - low) / (high - low)))
    return kept * frequency + (1 - kept) * stretched
  })
}
