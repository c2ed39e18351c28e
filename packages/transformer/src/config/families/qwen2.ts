import type { ModelFamily } from './family'
import { optionalWindowKeys, readOptionalWindow, writeOptionalWindow } from './optional-window'

/** A Llama whose queries, keys and values have biases. Yang et al. 2024, arXiv 2407.10671. */
export const qwen2: ModelFamily = {
  modelType: 'qwen2',
  className: 'Qwen2ForCausalLM',
  baseClassName: 'Qwen2Model',
  examples: 'Qwen2, Qwen2.5',
  defaults: { contextLength: 32_768, kvHeads: 32 },
  usedKeys: optionalWindowKeys,
  // The biases of queries, keys and values are always there, whatever is said of them.
  harmlessKeys: ['attention_bias', 'qkv_bias', 'use_qkv_bias', 'add_qkv_bias'],
  read: (fields, layers) => ({ attentionBias: 'qkv', ...readOptionalWindow(fields, layers) }),
  write: writeOptionalWindow,
  gguf: {
    architecture: 'qwen2',
    interleaved: false,
    computes: ['attentionBias', 'ropeScaling'],
    attentionBias: 'qkv',
    ropeScaling: ['linear', 'yarn'],
  },
}
