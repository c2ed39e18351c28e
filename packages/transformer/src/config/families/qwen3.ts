import type { ModelFamily } from './family'
import { optionalWindowKeys, readOptionalWindow, writeOptionalWindow } from './optional-window'

/** A Llama that normalises every head of queries and keys. Yang et al. 2025, arXiv 2505.09388. */
export const qwen3: ModelFamily = {
  modelType: 'qwen3',
  className: 'Qwen3ForCausalLM',
  baseClassName: 'Qwen3Model',
  examples: 'Qwen3',
  defaults: { contextLength: 32_768, headDim: 128, kvHeads: 32 },
  usedKeys: ['attention_bias', ...optionalWindowKeys],
  // The norms of the heads are always there, whatever is said of them.
  harmlessKeys: ['qk_norm', 'use_qk_norm', 'qk_layernorm'],
  read: (fields, layers) => ({
    qkNorm: 'head',
    ...(fields.flag('attention_bias', false) ? { attentionBias: 'all' as const } : {}),
    ...readOptionalWindow(fields, layers),
  }),
  write: (config) => ({ attention_bias: config.attentionBias === 'all', ...writeOptionalWindow(config) }),
  gguf: {
    architecture: 'qwen3',
    interleaved: false,
    computes: ['qkNorm', 'ropeScaling'],
    ropeScaling: ['linear', 'yarn'],
  },
}
