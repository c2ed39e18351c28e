import type { ModelConfig } from '../../config/index'
import { rotaryFrequencies } from '../../config/rope-scaling'
import type { GgufValue } from '../../files/gguf/value'
import type { GgufTensor } from '../../files/gguf/write'
import { floatsToStored } from '../../files/index'
import { yarnBounds, yarnMagnitude } from './yarn'

const f32 = (value: number): GgufValue => ({ type: 'f32', value })
const u32 = (value: number): GgufValue => ({ type: 'u32', value })
const string = (value: string): GgufValue => ({ type: 'string', value })

/** What `readRopeScaling` reads of the metadata, without the architecture before the keys. */
export function ropeScalingMetadata({ ropeScaling }: ModelConfig): Record<string, GgufValue> {
  switch (ropeScaling?.type) {
    case 'linear':
      return { 'rope.scaling.type': string('linear'), 'rope.scaling.factor': f32(ropeScaling.factor) }
    case 'yarn': {
      const { factor, originalContextLength, attentionFactor } = ropeScaling
      return {
        'rope.scaling.type': string('yarn'),
        'rope.scaling.factor': f32(factor),
        'rope.scaling.original_context_length': u32(originalContextLength),
        'rope.scaling.attn_factor': f32(attentionFactor / yarnMagnitude(factor)),
      }
    }
    // llama.cpp tells it by its tensors.
    case 'longrope':
      return {
        'rope.scaling.original_context_length': u32(ropeScaling.originalContextLength),
        'rope.scaling.attn_factor': f32(ropeScaling.attentionFactor),
      }
    default:
      return {}
  }
}

/** What frequencies are divided by one by one, as tensors: of Llama 3's scaling, and of LongRoPE. */
export function ropeScalingTensors(config: ModelConfig): GgufTensor[] {
  const { headDim, rotaryDim = headDim, ropeTheta, ropeScaling } = config
  if (ropeScaling?.type === 'longrope')
    return [
      factors('rope_factors_long.weight', ropeScaling.longFactors),
      factors('rope_factors_short.weight', ropeScaling.shortFactors),
    ]
  if (ropeScaling?.type !== 'llama3') return []
  const scaled = rotaryFrequencies({ rotaryDim, ropeTheta, ropeScaling })
  const divided = rotaryFrequencies({ rotaryDim, ropeTheta }).map((plain, i) => plain / scaled[i]!)
  return [factors('rope_freqs.weight', [...divided])]
}

const factors = (name: string, values: readonly number[]): GgufTensor => ({
  name,
  dtype: 'F32',
  shape: [values.length],
  bytes: () => floatsToStored(Float32Array.from(values), 'F32'),
})

/** What llama.cpp lacks of a scaling, in words; undefined where it computes it. */
export function lackingScaling({ ropeScaling }: ModelConfig): string | undefined {
  if (ropeScaling?.type !== 'yarn') return undefined
  const { betaFast, betaSlow, truncate, factor } = ropeScaling
  if (betaFast !== yarnBounds.betaFast || betaSlow !== yarnBounds.betaSlow)
    return `YaRN with bounds (beta_fast ${betaFast}, beta_slow ${betaSlow}) other than 32 and 1`
  if (!truncate) return 'YaRN with bounds that are no whole pairs (truncate false)'
  return factor > 1 ? undefined : `YaRN with a factor of ${factor}`
}
