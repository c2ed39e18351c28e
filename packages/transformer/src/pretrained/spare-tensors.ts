/**
 * Whether a tensor beside the parameters of a language model changes none of its logits: buffers that libraries stored though
 * they are computed from the configuration, masks of old versions, and heads for other tasks.
 */
export const isSpareTensor = (name: string): boolean => spare.some((kind) => kind.test(name))

const spare: readonly RegExp[] = [
  /(^|\.)rotary_emb\.(inv_freq|original_inv_freq|long_inv_freq|short_inv_freq|cos_cached|sin_cached)$/,
  /(^|\.)(masked_bias|causal_mask|attention_mask|position_ids)$/,
  /^(score|classifier|qa_outputs|v_head|value_head|reward_head)\./,
]
