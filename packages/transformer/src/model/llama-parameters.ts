import type { Device, Tensor } from '@outrider/tensor'
import { normalPair } from '@outrider/tensor/internal'
import type { ModelConfig } from '../config/index'

/** A model's parameters by their Hugging Face names; weights of linear layers are [out, in]. */
export type Parameters = Record<string, Tensor>

/** Names and shapes of all parameters, in the order of the computation. */
export function llamaParameterShapes(config: ModelConfig): Map<string, readonly number[]> {
  const {
    vocabularySize,
    hiddenSize,
    intermediateSize,
    layers,
    heads,
    kvHeads,
    headDim,
    attentionBias,
    mlpBias,
    qkNorm,
  } = config
  const shapes = new Map<string, readonly number[]>()
  shapes.set('model.embed_tokens.weight', [vocabularySize, hiddenSize])
  for (let layer = 0; layer < layers; layer++) {
    const name = (part: string) => `model.layers.${layer}.${part}.weight`
    const bias = (part: string, size: number) => shapes.set(`model.layers.${layer}.${part}.bias`, [size])
    shapes.set(name('input_layernorm'), [hiddenSize])
    shapes.set(name('self_attn.q_proj'), [heads * headDim, hiddenSize])
    shapes.set(name('self_attn.k_proj'), [kvHeads * headDim, hiddenSize])
    shapes.set(name('self_attn.v_proj'), [kvHeads * headDim, hiddenSize])
    shapes.set(name('self_attn.o_proj'), [hiddenSize, heads * headDim])
    if (attentionBias) {
      bias('self_attn.q_proj', heads * headDim)
      bias('self_attn.k_proj', kvHeads * headDim)
      bias('self_attn.v_proj', kvHeads * headDim)
      if (attentionBias === 'all') bias('self_attn.o_proj', hiddenSize)
    }
    if (qkNorm) {
      shapes.set(name('self_attn.q_norm'), [headDim])
      shapes.set(name('self_attn.k_norm'), [headDim])
    }
    shapes.set(name('post_attention_layernorm'), [hiddenSize])
    shapes.set(name('mlp.gate_proj'), [intermediateSize, hiddenSize])
    shapes.set(name('mlp.up_proj'), [intermediateSize, hiddenSize])
    shapes.set(name('mlp.down_proj'), [hiddenSize, intermediateSize])
    if (mlpBias) {
      bias('mlp.gate_proj', intermediateSize)
      bias('mlp.up_proj', intermediateSize)
      bias('mlp.down_proj', hiddenSize)
    }
  }
  shapes.set('model.norm.weight', [hiddenSize])
  if (!config.tieWordEmbeddings) shapes.set('lm_head.weight', [vocabularySize, hiddenSize])
  return shapes
}

/** How many parameters a model has; a tied head counts once. */
export function parameterCount(config: ModelConfig): number {
  let count = 0
  for (const shape of llamaParameterShapes(config).values()) count += shape.reduce((product, size) => product * size, 1)
  return count
}

/**
 * Fresh parameters: norms are 1, biases 0, the others normal with mean 0 and standard deviation `initializerRange`, as transformers
 * initialises a Llama. The same seed gives the same bits on every device. The caller disposes of them.
 *
 * @throws OutriderError DEVICE_LIMIT, OUT_OF_MEMORY where the device does not hold them; then none is left
 */
export function initializeLlama(device: Device, config: ModelConfig, seed = 0): Parameters {
  const parameters = emptyParameters(device, config)
  for (const [tensor, [name, parameter]] of Object.entries(parameters).entries()) {
    const { size } = parameter
    const constant = name.endsWith('.bias') ? 0 : parameter.shape.length === 1 ? 1 : undefined
    // Every tensor draws from 2³² counters of its own, so that its values do not depend on the sizes of the others.
    parameter.write(
      constant === undefined
        ? normals(size, seed, tensor * 2 ** 32, config.initializerRange)
        : new Float32Array(size).fill(constant),
    )
  }
  return parameters
}

/** All of them before any is filled: what the device does not hold is refused before the host makes it. */
function emptyParameters(device: Device, config: ModelConfig): Parameters {
  const parameters: Parameters = {}
  try {
    for (const [name, shape] of llamaParameterShapes(config)) parameters[name] = device.empty(shape).keep()
  } catch (error) {
    for (const parameter of Object.values(parameters)) parameter.dispose()
    throw error
  }
  return parameters
}

function normals(size: number, seed: number, counter: number, deviation: number): Float32Array {
  const values = new Float32Array(size)
  for (let i = 0; i < size; i += 2) {
    const [a, b] = normalPair(seed, counter + i / 2)
    values[i] = a * deviation
    if (i + 1 < size) values[i + 1] = b * deviation
  }
  return values
}
