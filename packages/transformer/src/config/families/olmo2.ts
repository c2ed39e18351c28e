import { checkTypes } from '../layer-windows'
import type { ModelFamily } from './family'

/** A Llama with norms after attention and the MLP, and of all queries and all keys of a token. OLMo et al. 2024, arXiv 2501.00656. */
export const olmo2: ModelFamily = {
  modelType: 'olmo2',
  className: 'Olmo2ForCausalLM',
  baseClassName: 'Olmo2Model',
  examples: 'OLMo 2',
  defaults: { rmsNormEpsilon: 1e-5, eosTokenId: 50_279, padTokenId: 1 },
  usedKeys: ['attention_bias'],
  // These norms are always there, whatever is said of them.
  harmlessKeys: ['qk_norm', 'use_qk_norm', 'qk_layernorm', 'use_post_norm'],
  read(fields, layers) {
    checkTypes(fields, layers, undefined)
    return { ...norms, ...(fields.flag('attention_bias', false) && { attentionBias: 'all' as const }) }
  },
  write: ({ attentionBias }) => ({ attention_bias: attentionBias === 'all' }),
  gguf: {
    architecture: 'olmo2',
    interleaved: false,
    computes: ['ropeScaling'],
    implies: () => norms,
    ropeScaling: ['linear'],
    read(fields) {
      // With a window it is OLMo 3.
      fields.only('attention.sliding_window', 0)
      return {}
    },
    write({ heads, headDim, hiddenSize, tieWordEmbeddings }, refuse) {
      if (heads * headDim !== hiddenSize)
        throw refuse(`${heads} heads of ${headDim} beside a hidden size of ${hiddenSize}`)
      if (tieWordEmbeddings) throw refuse('head that is the embedding')
      return {}
    },
  },
}

const norms = { normPlacement: 'after', qkNorm: 'all' } as const
