import type { ModelConfig } from '../../config/index'

/** llama.cpp's names of what a layer has, by Hugging Face name. */
const layerNames: Readonly<Record<string, string>> = {
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.qkv_proj': 'attn_qkv',
  'self_attn.o_proj': 'attn_output',
  'self_attn.q_norm': 'attn_q_norm',
  'self_attn.k_norm': 'attn_k_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.gate_up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
}

/** Of its norms, by where they are. */
const normNames: Record<NonNullable<ModelConfig['normPlacement']>, Readonly<Record<string, string>>> = {
  before: { input_layernorm: 'attn_norm', post_attention_layernorm: 'ffn_norm' },
  after: { post_attention_layernorm: 'post_attention_norm', post_feedforward_layernorm: 'post_ffw_norm' },
  around: {
    input_layernorm: 'attn_norm',
    post_attention_layernorm: 'post_attention_norm',
    pre_feedforward_layernorm: 'ffn_norm',
    post_feedforward_layernorm: 'post_ffw_norm',
  },
}

const modelNames: Readonly<Record<string, string>> = {
  'model.embed_tokens': 'token_embd',
  'model.norm': 'output_norm',
  lm_head: 'output',
}

/** llama.cpp's name of a stored parameter: `model.layers.3.mlp.up_proj.weight` is `blk.3.ffn_up.weight`. */
export function ggufName(name: string, { normPlacement = 'before' }: Pick<ModelConfig, 'normPlacement'>): string {
  const [, layer, part, kind] = /^(?:model\.layers\.(\d+)\.)?(.+)\.(weight|bias)$/.exec(name)!
  if (layer === undefined) return `${modelNames[part!]}.${kind}`
  return `blk.${layer}.${normNames[normPlacement][part!] ?? layerNames[part!]}.${kind}`
}

/** Whether a parameter's rows are rotated pairs: those of queries and keys. */
export const isRotated = (name: string): boolean => /self_attn\.[qk]_proj\.(weight|bias)$/.test(name)
