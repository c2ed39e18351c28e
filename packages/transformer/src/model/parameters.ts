import type { Device, Tensor } from '@outrider/tensor'
import { normalPair } from '@outrider/tensor/internal'
import type { ModelConfig } from '../config/index'
import { describeModel } from './describe-model'
import type { Norm, Projection } from './layer'

/** A model's parameters by their Hugging Face names; weights of linear layers are [out, in]. */
export type ModelParameters = Record<string, Tensor>

/** Names and shapes of all parameters, in the order of the computation. */
export function parameterShapes(config: ModelConfig): Map<string, readonly number[]> {
  const { embedding, layers, norm, head } = describeModel(config)
  const shapes = new Map<string, readonly number[]>()
  const addNorms = (...norms: readonly (Norm | undefined)[]) => {
    for (const norm of norms) if (norm) shapes.set(norm.weight, [norm.size])
  }
  const addProjections = (...projections: readonly Projection[]) => {
    for (const { weight, rows, columns } of projections) shapes.set(weight, [rows, columns])
    for (const { bias, rows } of projections) if (bias) shapes.set(bias, [rows])
  }
  shapes.set(embedding.weight, [embedding.rows, embedding.columns])
  for (const { attention, mlp } of layers) {
    addNorms(attention.before)
    addProjections(attention.q, attention.k, attention.v, attention.output)
    addNorms(attention.qNorm, attention.kNorm, attention.after, mlp.before)
    addProjections(mlp.gate, mlp.up, mlp.down)
    addNorms(mlp.after)
  }
  addNorms(norm)
  shapes.set(head.weight, [head.rows, head.columns])
  return shapes
}

/** How many parameters a model has; a tied head counts once. */
export function parameterCount(config: ModelConfig): number {
  let count = 0
  for (const shape of parameterShapes(config).values()) count += shape.reduce((product, size) => product * size, 1)
  return count
}

/**
 * Fresh parameters: norms are 1, biases 0, the others normal with mean 0 and standard deviation `initializerRange`, as transformers
 * initialises a Llama. The same seed gives the same bits on every device. The caller disposes of them.
 *
 * @throws OutriderError DEVICE_LIMIT, OUT_OF_MEMORY where the device does not hold them; then none is left
 */
export function initializeParameters(device: Device, config: ModelConfig, seed = 0): ModelParameters {
  const parameters = emptyParameters(device, config)
  const { normOffset = 0 } = config
  for (const [tensor, [name, parameter]] of Object.entries(parameters).entries()) {
    const { size } = parameter
    const constant = name.endsWith('.bias') ? 0 : parameter.shape.length === 1 ? 1 - normOffset : undefined
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
function emptyParameters(device: Device, config: ModelConfig): ModelParameters {
  const parameters: ModelParameters = {}
  try {
    for (const [name, shape] of parameterShapes(config)) parameters[name] = device.empty(shape).keep()
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
