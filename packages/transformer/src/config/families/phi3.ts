import { sizeLimits } from '../size-limits'
import type { ModelFamily } from './family'

/** A Llama whose projections are stored joined. Abdin et al. 2024, arXiv 2404.14219. */
export const phi3: ModelFamily = {
  modelType: 'phi3',
  className: 'Phi3ForCausalLM',
  examples: 'Phi-3 (4k)',
  defaults: { contextLength: 4096, rmsNormEpsilon: 1e-5 },
  read(fields) {
    const rotary = fields.positive('partial_rotary_factor', 1)
    if (rotary !== 1)
      throw fields.unsupported(`partial_rotary_factor ${rotary} is not supported`, 'Supported: 1, whole heads.')
    return fields.get('sliding_window') === undefined
      ? {}
      : { slidingWindow: fields.count('sliding_window', undefined, sizeLimits.contextLength) }
  },
  write: ({ slidingWindow }) => ({ sliding_window: slidingWindow ?? null }),
  joined: {
    'self_attn.qkv_proj': ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'],
    'mlp.gate_up_proj': ['mlp.gate_proj', 'mlp.up_proj'],
  },
  gguf: { architecture: 'phi3', interleaved: false },
}
