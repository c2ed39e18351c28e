import {
  activationCheckpoint,
  add,
  attention,
  cast,
  type Device,
  embedding,
  exactFrequencies,
  matmul,
  rmsNorm,
  rope,
  swiglu,
  type Tensor,
} from '@outrider/tensor'
import { isTracked } from '@outrider/tensor/internal'
import type { ModelConfig } from '../config/index'
import { rotaryFrequencies } from '../config/rope-scaling'
import type { Parameters } from './llama-parameters'

/**
 * Logits of the next token after every row of a Llama (Touvron et al. 2023, arXiv 2302.13971). Differentiable in the
 * parameters: for training. Every sequence begins at position 0.
 *
 * @param parameters  by Hugging Face name; f32, or the matrices f16 where the device has `shader-f16`
 * @param tokens      u32 [batch, rows]
 * @returns f32 [batch, rows, vocabulary]
 */
export function llamaLogits(
  config: ModelConfig,
  parameters: Parameters,
  tokens: Tensor,
  options?: LlamaForwardOptions,
): Tensor {
  return llamaHead(config, parameters, llamaHidden(config, parameters, tokens, options))
}

export interface LlamaForwardOptions {
  /** Keep only what is between the blocks, and compute each again for its gradient. Default false. */
  activationCheckpointing?: boolean | undefined
}

/**
 * The hidden states that the head turns into logits: embedding, blocks, final norm. Of f16 matrices all activations are f16;
 * what is summed, norms and softmaxes are f32.
 *
 * @returns f32 or f16 [batch, rows, hidden]
 */
export function llamaHidden(
  config: ModelConfig,
  parameters: Parameters,
  tokens: Tensor,
  { activationCheckpointing = false }: LlamaForwardOptions = {},
): Tensor {
  const frequencies = ropeFrequencies(tokens.device, config)
  // While gradients are recorded, the tape owns what is between the blocks; otherwise a block frees all but its result.
  const recording = isTracked(...Object.values(parameters))
  const scoped = (body: () => Tensor) => (recording ? body() : tokens.device.scope(body))
  const table = parameters['model.embed_tokens.weight']!
  let x = embedding(table, tokens, { dtype: table.dtype === 'f16' ? 'f16' : 'f32' }) // [batch, rows, hidden]
  for (let layer = 0; layer < config.layers; layer++) {
    const before = x
    x = scoped(() => {
      const inputs = { x: before, parameters: ofLayer(parameters, layer) }
      const compute = ({ x, parameters }: typeof inputs) => block(config, parameters, layer, x, frequencies)
      return activationCheckpointing ? activationCheckpoint(inputs, compute) : compute(inputs)
    }) // [batch, rows, hidden]
    if (!recording) before.dispose()
  }
  return rmsNorm(x, parameters['model.norm.weight']!, { epsilon: config.rmsNormEpsilon }) // [batch, rows, hidden]
}

/** Logits f32 [..., vocabulary] of hidden states [..., hidden]. */
export function llamaHead(config: ModelConfig, parameters: Parameters, hidden: Tensor): Tensor {
  return matmul(hidden, headWeight(config, parameters), { transposeB: true, dtype: 'f32' })
}

/** The weight of the output head, [vocabulary, hidden]: its own, or the embedding table. */
export function headWeight(config: ModelConfig, parameters: Parameters): Tensor {
  return parameters[config.tieWordEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight']!
}

const ofLayer = (parameters: Parameters, layer: number): Parameters =>
  Object.fromEntries(Object.entries(parameters).filter(([name]) => name.startsWith(`model.layers.${layer}.`)))

/** One layer: attention, then the gated MLP, each added to what came in. */
function block(
  config: ModelConfig,
  parameters: Parameters,
  layer: number,
  x: Tensor, // [batch, rows, hidden]
  frequencies: Tensor, // [headDim / 2, 2]
): Tensor {
  const { heads, kvHeads, headDim, qkNorm, slidingWindow, rmsNormEpsilon: epsilon } = config
  const [batch, rows] = x.shape as [number, number, number]
  const weight = (part: string) => parameters[`model.layers.${layer}.${part}.weight`]!
  const linear = (input: Tensor, part: string) => {
    const y = matmul(input, weight(part), { transposeB: true })
    const bias = parameters[`model.layers.${layer}.${part}.bias`]
    return bias ? add(y, cast(bias, y.dtype)) : y
  }
  const normed = (x: Tensor, part: string) => (qkNorm ? rmsNorm(x, weight(part), { epsilon }) : x)

  const attended = rmsNorm(x, weight('input_layernorm'), { epsilon }) // [batch, rows, hidden]
  const q = normed(linear(attended, 'self_attn.q_proj').reshape([batch, rows, heads, headDim]), 'self_attn.q_norm')
  const k = normed(linear(attended, 'self_attn.k_proj').reshape([batch, rows, kvHeads, headDim]), 'self_attn.k_norm')
  const v = linear(attended, 'self_attn.v_proj').reshape([batch, rows, kvHeads, headDim])
  const mixed = attention(rope(q, { frequencies }), rope(k, { frequencies }), v, { window: slidingWindow }) // [batch, rows, heads, headDim]
  const y = add(x, linear(mixed.reshape([batch, rows, heads * headDim]), 'self_attn.o_proj')) // [batch, rows, hidden]

  const fed = rmsNorm(y, weight('post_attention_layernorm'), { epsilon }) // [batch, rows, hidden]
  const gated = swiglu(linear(fed, 'mlp.gate_proj'), linear(fed, 'mlp.up_proj')) // [batch, rows, intermediate]
  return add(y, linear(gated, 'mlp.down_proj')) // [batch, rows, hidden]
}

/** A model's rotary frequencies for `rope`, exact at every position: u32 [headDim / 2, 2]. */
export function ropeFrequencies(device: Device, config: ModelConfig): Tensor {
  return exactFrequencies(device, rotaryFrequencies(config))
}
