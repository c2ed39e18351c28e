import { checkTypes } from '../layer-windows'
import type { ModelFamily } from './family'

/** Touvron et al. 2023, arXiv 2302.13971. */
export const llama: ModelFamily = {
  modelType: 'llama',
  className: 'LlamaForCausalLM',
  baseClassName: 'LlamaModel',
  examples: 'Llama 2 and 3, TinyLlama, SmolLM2',
  defaults: { bosTokenId: 1, eosTokenId: 2 },
  usedKeys: ['attention_bias', 'mlp_bias'],
  read(fields, layers) {
    checkTypes(fields, layers, undefined)
    return {
      ...(fields.flag('attention_bias', false) && { attentionBias: 'all' as const }),
      ...(fields.flag('mlp_bias', false) && { mlpBias: true }),
    }
  },
  write: ({ attentionBias, mlpBias = false }) => ({ attention_bias: attentionBias === 'all', mlp_bias: mlpBias }),
  gguf: {
    architecture: 'llama',
    interleaved: true,
    computes: ['attentionBias', 'mlpBias', 'ropeScaling'],
    ropeScaling: ['linear', 'llama3', 'yarn'],
  },
}
