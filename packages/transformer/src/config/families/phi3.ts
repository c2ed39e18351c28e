import { checkTypes, checkUse, readWindow } from '../layer-windows'
import type { ModelFamily } from './family'

/** A Llama whose projections are stored joined. Abdin et al. 2024, arXiv 2404.14219. */
export const phi3: ModelFamily = {
  modelType: 'phi3',
  className: 'Phi3ForCausalLM',
  baseClassName: 'Phi3Model',
  examples: 'Phi-3, Phi-4-mini',
  defaults: { contextLength: 4096, rmsNormEpsilon: 1e-5, bosTokenId: 1, eosTokenId: 32_000, padTokenId: 32_000 },
  usedKeys: ['sliding_window', 'use_sliding_window'],
  read(fields, layers) {
    const slidingWindow = readWindow(fields)
    checkTypes(fields, layers, slidingWindow)
    checkUse(fields, layers, slidingWindow)
    return slidingWindow === undefined ? {} : { slidingWindow }
  },
  write: ({ slidingWindow, ropeScaling }) => ({
    sliding_window: slidingWindow ?? null,
    ...(ropeScaling?.type === 'longrope' && { original_max_position_embeddings: ropeScaling.originalContextLength }),
  }),
  rotary: { partial: true, oldNames: { su: 'longrope', yarn: 'longrope' }, originalContextLength: 4096 },
  joined: {
    'self_attn.qkv_proj': ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'],
    'mlp.gate_up_proj': ['mlp.gate_proj', 'mlp.up_proj'],
  },
  gguf: {
    architecture: 'phi3',
    interleaved: false,
    computes: ['ropeScaling', 'rotaryDim'],
    ropeScaling: ['linear', 'longrope'],
  },
}
