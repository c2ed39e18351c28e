import { checkTypes } from '../layer-windows'
import type { ModelFamily } from './family'

/** Touvron et al. 2023, arXiv 2302.13971. */
export const llama: ModelFamily = {
  modelType: 'llama',
  className: 'LlamaForCausalLM',
  baseClassName: 'LlamaModel',
  examples: 'Llama 2 and 3, TinyLlama, SmolLM2',
  defaults: { bosTokenId: 1, eosTokenId: 2 },
  usedKeys: ['attention_bias'],
  read(fields, layers) {
    checkTypes(fields, layers, undefined)
    return fields.flag('attention_bias', false) ? { attentionBias: 'all' } : {}
  },
  write: ({ attentionBias }) => ({ attention_bias: attentionBias === 'all', mlp_bias: false }),
  gguf: { architecture: 'llama', interleaved: true },
}
