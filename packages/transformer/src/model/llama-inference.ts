import { attention, embedding, linear, ropeIntoCache, type Start, type Tensor } from '@outrider/tensor'
import type { ModelConfig } from '../config/index'
import { headWeight } from './llama-forward'
import type { Parameters } from './llama-parameters'

/** Keys and values of one layer, f32 [batch, capacity, kvHeads, headDim]. */
export interface LayerCache {
  keys: Tensor
  values: Tensor
}

export interface InferenceOptions {
  /** Radians a position by rotary pair, f32 [headDim / 2]. */
  frequencies: Tensor
  /** Position of row 0, by sequence. */
  start: Start
  /** Where a layer's keys and values are, and where the new ones go. */
  cacheOf: (layer: number) => LayerCache
}

/**
 * The hidden states of a Llama before its last norm, for inference: what `llamaHidden` computes, within rounding, in 8
 * dispatches a layer instead of 15.
 *
 * @param tokens  u32 [batch, rows]
 * @returns f32 [batch, rows, hidden]
 */
export function inferHidden(
  config: ModelConfig,
  parameters: Parameters,
  tokens: Tensor,
  { frequencies, start, cacheOf }: InferenceOptions,
): Tensor {
  const { layers, rmsNormEpsilon: epsilon } = config
  const { device } = tokens
  let x = embedding(parameters['model.embed_tokens.weight']!, tokens) // [batch, rows, hidden]
  for (let layer = 0; layer < layers; layer++) {
    const before = x
    x = device.scope(() => {
      const weight = (part: string) => parameters[`model.layers.${layer}.${part}.weight`]!
      const attended = { norm: { weight: weight('input_layernorm'), epsilon } }
      const q = linear(before, weight('self_attn.q_proj'), attended) // [batch, rows, heads · headDim]
      const k = linear(before, weight('self_attn.k_proj'), attended) // [batch, rows, kvHeads · headDim]
      const v = linear(before, weight('self_attn.v_proj'), attended) // [batch, rows, kvHeads · headDim]
      const cache = cacheOf(layer)
      const queries = ropeIntoCache({ q, k, v }, cache, { frequencies, start }) // [batch, rows, heads, headDim]
      const mixed = attention(queries, cache.keys, cache.values, { start }).reshape(q.shape) // [batch, rows, heads · headDim]
      const y = linear(mixed, weight('self_attn.o_proj'), { residual: before }) // [batch, rows, hidden]
      const gated = linear(y, weight('mlp.gate_proj'), {
        norm: { weight: weight('post_attention_layernorm'), epsilon },
        up: weight('mlp.up_proj'),
      }) // [batch, rows, intermediate]
      return linear(gated, weight('mlp.down_proj'), { residual: y }) // [batch, rows, hidden]
    })
    before.dispose()
  }
  return x
}

/** Logits [..., vocabulary] of hidden states [..., hidden] before the last norm. */
export function inferLogits(config: ModelConfig, parameters: Parameters, hidden: Tensor): Tensor {
  const norm = { weight: parameters['model.norm.weight']!, epsilon: config.rmsNormEpsilon }
  return linear(hidden, headWeight(config, parameters), { norm })
}
