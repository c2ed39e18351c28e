import type { ModelConfig } from './model-config'
import type { Rope, RopeScaling } from './rope-scaling'

/** The rotary positions of a config.json: what `readRope` reads, and transformers 4 and 5 with it. */
export function writeRope(config: ModelConfig): Record<string, unknown> {
  const { ropeTheta, ropeScaling, rotaryDim, headDim, slidingRope } = config
  return {
    rope_theta: ropeTheta,
    rope_scaling: slidingRope ? null : writeRopeScaling(ropeScaling),
    ...(slidingRope && {
      rope_parameters: { full_attention: parameters(config), sliding_attention: parameters(slidingRope) },
    }),
    ...(rotaryDim !== undefined && { partial_rotary_factor: rotaryShare({ rotaryDim, headDim }) }),
  }
}

const parameters = ({ ropeTheta, ropeScaling }: Pick<Rope, 'ropeTheta' | 'ropeScaling'>) => ({
  rope_theta: ropeTheta,
  ...(writeRopeScaling(ropeScaling) ?? { rope_type: 'default' }),
})

/** The share of heads that readers turn as so many elements. */
function rotaryShare({ rotaryDim, headDim }: { rotaryDim: number; headDim: number }): number {
  const share = rotaryDim / headDim
  return Math.trunc(headDim * share) === rotaryDim ? share : (rotaryDim + 0.5) / headDim
}

export function writeRopeScaling(scaling: RopeScaling | undefined): Record<string, unknown> | null {
  if (!scaling) return null
  switch (scaling.type) {
    case 'linear':
      return { rope_type: 'linear', factor: scaling.factor }
    case 'llama3':
      return {
        rope_type: 'llama3',
        factor: scaling.factor,
        low_freq_factor: scaling.lowFrequencyFactor,
        high_freq_factor: scaling.highFrequencyFactor,
        original_max_position_embeddings: scaling.originalContextLength,
      }
    case 'yarn':
      return {
        rope_type: 'yarn',
        factor: scaling.factor,
        original_max_position_embeddings: scaling.originalContextLength,
        beta_fast: scaling.betaFast,
        beta_slow: scaling.betaSlow,
        truncate: scaling.truncate,
        attention_factor: scaling.attentionFactor,
      }
    case 'longrope':
      return {
        rope_type: 'longrope',
        original_max_position_embeddings: scaling.originalContextLength,
        short_factor: scaling.shortFactors,
        long_factor: scaling.longFactors,
        attention_factor: scaling.attentionFactor,
      }
  }
}
