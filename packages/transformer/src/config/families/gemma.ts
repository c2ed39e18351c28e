import type { Fields } from '../fields'
import type { ModelConfig } from '../model-config'
import { readAlternatingWindows, writeAlternatingWindows } from './alternating-windows'
import type { Implied, LayersRead, ModelFamily } from './family'

/** What Gemma 2 and Gemma 3 have in common. */
export const gemma = {
  defaults: {
    headDim: 256,
    kvHeads: 4,
    bosTokenId: 2,
    eosTokenId: 1,
    padTokenId: 0,
    tieWordEmbeddings: true,
  },
  activation: 'gelu_tanh',
  usedKeys: [
    'hidden_activation',
    'query_pre_attn_scalar',
    'attention_bias',
    'sliding_window',
    'final_logit_softcapping',
  ],
  harmlessKeys: ['cache_implementation', 'sliding_window_size'],
} as const satisfies Partial<ModelFamily>

/** @param defaults  what stands where a config.json is silent: layers of every `period`th number have no window */
export function readGemma(
  fields: Fields,
  layers: LayersRead,
  defaults: { period: number; logitSoftCap?: number },
): Partial<ModelConfig> {
  const logitSoftCap = readCap(fields, 'final_logit_softcapping', defaults.logitSoftCap)
  return {
    ...shapeOf({ hiddenSize: fields.count('hidden_size') }),
    attentionScale: fields.positive('query_pre_attn_scalar', 256) ** -0.5,
    ...(logitSoftCap !== undefined && { logitSoftCap }),
    ...(fields.flag('attention_bias', false) && { attentionBias: 'all' }),
    ...readAlternatingWindows(fields, layers, defaults.period),
  }
}

export function writeGemma(config: ModelConfig): Record<string, unknown> {
  const { attentionScale = config.headDim ** -0.5, logitSoftCap, attentionBias } = config
  return {
    hidden_activation: 'gelu_pytorch_tanh',
    // A whole number in transformers.
    query_pre_attn_scalar: Number((attentionScale ** -2).toPrecision(12)),
    final_logit_softcapping: logitSoftCap ?? null,
    attention_bias: attentionBias === 'all',
    ...writeAlternatingWindows(config),
  }
}

/** A soft-cap: null is none, and `fallback` stands for a field that is absent. */
export function readCap(fields: Fields, field: string, fallback?: number): number | undefined {
  const isNone = fields.isNull(field) || (!fields.has(field) && fallback === undefined)
  return isNone ? undefined : fields.positive(field, fallback)
}

/**
 * What llama.cpp computes in its architectures of Gemma: scores are scaled by the size of a head, and in the largest model, which
 * it knows by the number of its layers, by hiddenSize / heads.
 */
export function impliedByGemma(
  { layers, hiddenSize, heads, headDim }: Pick<ModelConfig, 'layers' | 'hiddenSize' | 'heads' | 'headDim'>,
  layersOfLargest: number,
): Implied {
  const width = layers === layersOfLargest ? Math.floor(hiddenSize / heads) : headDim
  return { ...shapeOf({ hiddenSize }), attentionScale: width ** -0.5 }
}

/** What all of them are, whatever a file says. */
function shapeOf({ hiddenSize }: Pick<ModelConfig, 'hiddenSize'>): Implied {
  const embeddingScale = Math.sqrt(hiddenSize)
  return { normPlacement: 'around', normOffset: 1, activation: 'gelu_tanh', embeddingScale }
}
