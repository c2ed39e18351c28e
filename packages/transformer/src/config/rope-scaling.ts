/** Rotary positions of a layer (Su et al. 2021, arXiv 2104.09864). */
export interface Rope {
  ropeTheta: number
  ropeScaling?: RopeScaling
  /** Elements of a head that are turned, its first; an even number. */
  rotaryDim: number
}

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
  /** The same by the turns within the original context (Peng et al. 2023, arXiv 2309.00071). */
  | {
      type: 'yarn'
      factor: number
      originalContextLength: number
      /** Frequencies of more turns are kept. */
      betaFast: number
      /** Those of fewer are divided by the factor. */
      betaSlow: number
      /** Whether the bounds between are whole pairs. */
      truncate: boolean
      /** What queries and keys are multiplied by. */
      attentionFactor: number
    }
  /** A factor for every frequency, others where the context is longer (Ding et al. 2024, arXiv 2402.13753). */
  | {
      type: 'longrope'
      originalContextLength: number
      /** What frequencies are divided by in contexts of up to `originalContextLength`, by pair. */
      shortFactors: readonly number[]
      /** … and in longer ones. */
      longFactors: readonly number[]
      attentionFactor: number
    }

/** What turned queries and keys are multiplied by. */
export const rotaryMagnitude = ({ ropeScaling }: Rope): number =>
  ropeScaling && 'attentionFactor' in ropeScaling ? ropeScaling.attentionFactor : 1

/** Whether a context of so many positions has other frequencies than a short one. */
export const isLong = (scaling: RopeScaling | undefined, positions: number): boolean =>
  scaling?.type === 'longrope' && positions > scaling.originalContextLength

/**
 * Radians a position by rotary pair: θ^(−2i/rotaryDim), stretched.
 *
 * @param positions  of the context that they are for, where that makes a difference. Default: a short one.
 */
export function rotaryFrequencies(rope: Rope, positions = 0): Float64Array {
  const { ropeTheta, ropeScaling, rotaryDim } = rope
  const stretched = stretch(rope, positions)
  return Float64Array.from({ length: rotaryDim / 2 }, (_, i) => {
    const frequency = ropeTheta ** ((-2 * i) / rotaryDim)
    return ropeScaling ? stretched(frequency, i) : frequency
  })
}

/** What becomes of the frequency of a pair. */
function stretch(rope: Rope, positions: number): (frequency: number, pair: number) => number {
  const { ropeScaling: scaling } = rope
  if (scaling?.type === 'llama3') {
    const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalContextLength } = scaling
    return (frequency) => {
      // Turns within the original context: few are low frequencies, many are high ones.
      const turns = (originalContextLength * frequency) / (2 * Math.PI)
      const kept = Math.min(1, Math.max(0, (turns - low) / (high - low)))
      return kept * frequency + (1 - kept) * (frequency / factor)
    }
  }
  if (scaling?.type === 'yarn') {
    const { first, last } = blendedPairs(rope, scaling)
    return (frequency, pair) => {
      const kept = 1 - Math.min(1, Math.max(0, (pair - first) / (last - first)))
      return kept * frequency + (1 - kept) * (frequency / scaling.factor)
    }
  }
  if (scaling?.type === 'longrope') {
    const factors = isLong(scaling, positions) ? scaling.longFactors : scaling.shortFactors
    return (frequency, pair) => frequency / factors[pair]!
  }
  const factor = scaling?.factor ?? 1
  return (frequency) => frequency / factor
}

/** The pairs between which YaRN blends: those that turn `betaFast` and `betaSlow` times within the original context. */
function blendedPairs(
  { rotaryDim, ropeTheta }: Rope,
  { originalContextLength, betaFast, betaSlow, truncate }: Extract<RopeScaling, { type: 'yarn' }>,
): { first: number; last: number } {
  const pairOf = (turns: number) =>
    (rotaryDim * Math.log(originalContextLength / (turns * 2 * Math.PI))) / (2 * Math.log(ropeTheta))
  const [fast, slow] = [pairOf(betaFast), pairOf(betaSlow)]
  const first = Math.max(0, truncate ? Math.floor(fast) : fast)
  const last = Math.min(rotaryDim - 1, truncate ? Math.ceil(slow) : slow)
  return { first, last: last === first ? last + 0.001 : last }
}
