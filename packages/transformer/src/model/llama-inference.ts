import { attention, embedding, linear, rmsNorm, ropeIntoCache, type Start, swiglu, type Tensor } from '@outrider/tensor'
import type { ModelConfig } from '../config/index'
import { headWeight } from './llama-forward'
import type { Parameters } from './llama-parameters'

/** Keys and values of one layer, f32 [batch, capacity, kvHeads, headDim]. */
export interface LayerCache {
  keys: Tensor
  values: Tensor
}

export interface InferenceOptions {
  /** Of `ropeFrequencies`, u32 [headDim / 2, 2]. */
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
  const { layers, mlpBias, qkNorm, slidingWindow: window, rmsNormEpsilon: epsilon } = config
  const { device } = tokens
  let x = embedding(parameters['model.embed_tokens.weight']!, tokens) // [batch, rows, hidden]
  for (let layer = 0; layer < layers; layer++) {
    const before = x
    x = device.scope(() => {
      const weight = (part: string) => parameters[`model.layers.${layer}.${part}.weight`]!
      const bias = (part: string) => parameters[`model.layers.${layer}.${part}.bias`]
      const attended = { weight: weight('input_layernorm'), epsilon }
      const project = (part: string) => linear(before, weight(part), { norm: attended, bias: bias(part) })
      const normed = (x: Tensor, part: string) => (qkNorm ? headNorm(x, weight(part), epsilon) : x)
      const q = normed(project('self_attn.q_proj'), 'self_attn.q_norm') // [batch, rows, heads · headDim]
      const k = normed(project('self_attn.k_proj'), 'self_attn.k_norm') // [batch, rows, kvHeads · headDim]
      const v = project('self_attn.v_proj') // [batch, rows, kvHeads · headDim]
      const cache = cacheOf(layer)
      const queries = ropeIntoCache({ q, k, v }, cache, { frequencies, start }) // [batch, rows, heads, headDim]
      const mixed = attention(queries, cache.keys, cache.values, { start, window }).reshape(q.shape) // [batch, rows, heads · headDim]
      const output = 'self_attn.o_proj'
      const y = linear(mixed, weight(output), { residual: before, bias: bias(output) }) // [batch, rows, hidden]
      const fed = { weight: weight('post_attention_layernorm'), epsilon }
      const widen = (part: string) => linear(y, weight(part), { norm: fed, bias: bias(part) })
      const gated = mlpBias
        ? swiglu(widen('mlp.gate_proj'), widen('mlp.up_proj'))
        : linear(y, weight('mlp.gate_proj'), { norm: fed, up: weight('mlp.up_proj') }) // [batch, rows, intermediate]
      const down = 'mlp.down_proj'
      return linear(gated, weight(down), { residual: y, bias: bias(down) }) // [batch, rows, hidden]
    })
    before.dispose()
  }
  return x
}

/** RMSNorm of every head by itself; the weight [headDim] is as wide as one. */
function headNorm(x: Tensor, weight: Tensor, epsilon: number): Tensor {
  return rmsNorm(x.reshape([x.size / weight.size, weight.size]), weight, { epsilon }).reshape(x.shape)
}

/** Logits [..., vocabulary] of hidden states [..., hidden] before the last norm. */
export function inferLogits(config: ModelConfig, parameters: Parameters, hidden: Tensor): Tensor {
  const norm = { weight: parameters['model.norm.weight']!, epsilon: config.rmsNormEpsilon }
  return linear(hidden, headWeight(config, parameters), { norm })
}
