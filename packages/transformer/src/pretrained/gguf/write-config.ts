import type { ModelConfig } from '../../config/index'
import type { GgufValue } from '../../files/gguf/value'

/**
 * The hyperparameters in llama.cpp's keys. llama.cpp does not apply a sliding window in these architectures, so the context
 * is cut to where a window makes no difference.
 */
export function configMetadata(config: ModelConfig, architecture: string): Map<string, GgufValue> {
  const u32 = (value: number): GgufValue => ({ type: 'u32', value })
  const f32 = (value: number): GgufValue => ({ type: 'f32', value })
  const own: Record<string, GgufValue> = {
    vocab_size: u32(config.vocabularySize),
    context_length: u32(Math.min(config.contextLength, config.slidingWindow ?? config.contextLength)),
    embedding_length: u32(config.hiddenSize),
    feed_forward_length: u32(config.intermediateSize),
    block_count: u32(config.layers),
    'attention.head_count': u32(config.heads),
    'attention.head_count_kv': u32(config.kvHeads),
    'attention.key_length': u32(config.headDim),
    'attention.value_length': u32(config.headDim),
    'attention.layer_norm_rms_epsilon': f32(config.rmsNormEpsilon),
    'rope.dimension_count': u32(config.headDim),
    'rope.freq_base': f32(config.ropeTheta),
    ...(config.ropeScaling?.type === 'linear' && {
      'rope.scaling.type': { type: 'string', value: 'linear' },
      'rope.scaling.factor': f32(config.ropeScaling.factor),
    }),
  }
  return new Map(Object.entries(own).map(([key, value]) => [`${architecture}.${key}`, value]))
}
