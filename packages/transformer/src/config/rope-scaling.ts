import type { Fields } from './fields'

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

/** Reads `rope_scaling`, or `rope_parameters`, which holds it with the base since transformers 5. */
export function readRope(fields: Fields): { ropeTheta: number; ropeScaling?: RopeScaling } {
  const parameters = fields.object('rope_parameters')
  const scaling = fields.object('rope_scaling') ?? parameters
  const ropeTheta =
    fields.get('rope_theta') === undefined && parameters
      ? parameters.positive('rope_theta', 10_000)
      : fields.positive('rope_theta', 10_000)
  const type = scaling?.get('rope_type') ?? scaling?.get('type') ?? 'default'
  if (!scaling || type === 'default') return { ropeTheta }
  if (type === 'linear') return { ropeTheta, ropeScaling: { type, factor: scaling.positive('factor') } }
  if (type === 'llama3')
    return {
      ropeTheta,
      ropeScaling: {
        type,
        factor: scaling.positive('factor'),
        lowFrequencyFactor: scaling.positive('low_freq_factor'),
        highFrequencyFactor: scaling.positive('high_freq_factor'),
        originalContextLength: scaling.count('original_max_position_embeddings'),
      },
    }
  throw scaling.unsupported(
    `rotary scaling of type ${JSON.stringify(type)} is not supported`,
    'Supported: none, "linear" and "llama3".',
  )
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
