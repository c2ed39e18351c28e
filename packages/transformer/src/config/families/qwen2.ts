import type { ModelFamily } from './family'
import { readOptionalWindow, writeOptionalWindow } from './optional-window'

/** A Llama whose queries, keys and values have biases. Yang et al. 2024, arXiv 2407.10671. */
export const qwen2: ModelFamily = {
  modelType: 'qwen2',
  className: 'Qwen2ForCausalLM',
  examples: 'Qwen2, Qwen2.5',
  defaults: { contextLength: 32_768 },
  read: (fields, layers) => ({ attentionBias: 'qkv', ...readOptionalWindow(fields, layers) }),
  write: writeOptionalWindow,
  gguf: { architecture: 'qwen2', interleaved: false },
}
