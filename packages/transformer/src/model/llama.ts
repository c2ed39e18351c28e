import { type Device, embedding, OutriderError, rmsNorm, ShapeError, type Tensor } from '@outrider/tensor'
import type { ModelConfig } from '../config/index'
import type { CausalLM, ForwardOptions, KvCache } from './causal-lm'
import { FullKvCache } from './kv-cache'
import { ropeFrequencies } from './llama-forward'
import { inferHidden, inferLogits, type LayerCache } from './llama-inference'
import { initializeLlama, llamaParameterShapes, type Parameters } from './llama-parameters'

/**
 * A Llama with its parameters on a device. It owns them: `dispose` frees them. For training, pass `parameters` to
 * `valueAndGradient` and compute with `llamaLogits`; for decoding, use `forward`.
 */
export class Llama implements CausalLM {
  readonly device: Device
  readonly config: ModelConfig
  /** By Hugging Face name. A training step replaces their contents, or the tensors themselves. */
  readonly parameters: Parameters
  readonly #frequencies: Tensor // [headDim / 2, 2]

  /**
   * @param parameters  by Hugging Face name; the model takes them over
   * @throws ShapeError or OutriderError for parameters that do not fit the configuration
   */
  constructor(device: Device, config: ModelConfig, parameters: Parameters) {
    for (const [name, shape] of llamaParameterShapes(config)) {
      const tensor = parameters[name]
      if (!tensor) throw new OutriderError('INVALID_ARGUMENT', `The model has no parameter "${name}".`)
      if (tensor.shape.join() !== shape.join())
        throw new ShapeError(`parameter ${name}`, [tensor.shape, shape], 'shapes differ')
    }
    this.device = device
    this.config = config
    this.parameters = parameters
    this.#frequencies = ropeFrequencies(device, config).keep()
  }

  /** A model with fresh parameters; the same seed gives the same bits. */
  static initialize(device: Device, config: ModelConfig, { seed = 0 }: { seed?: number } = {}): Llama {
    return new Llama(device, config, initializeLlama(device, config, seed))
  }

  createCache({
    batchSize = 1,
    capacity = this.config.contextLength,
  }: {
    batchSize?: number
    capacity?: number
  } = {}): FullKvCache {
    return new FullKvCache(this.device, this.config, { batchSize, capacity })
  }

  /**
   * The hidden states after the last norm, which `headWeight` turns into logits: for those who want logits a few rows at a
   * time. Every sequence begins at position 0. Not differentiable.
   *
   * @param tokens  u32 [batch, rows]
   * @returns f32 [batch, rows, hidden]; the caller's to free
   */
  hidden(tokens: Tensor): Tensor {
    const [batch, rows] = checkedTokens('hidden', tokens)
    return this.device.scope(() => {
      const hidden = inferHidden(this.config, this.parameters, tokens, {
        frequencies: this.#frequencies,
        start: 0,
        cacheOf: () => this.#passingCache(batch, rows),
      })
      return rmsNorm(hidden, this.parameters['model.norm.weight']!, { epsilon: this.config.rmsNormEpsilon })
    })
  }

  forward(tokens: Tensor, { cache, rows = 'all', counts }: ForwardOptions = {}): Tensor {
    const [batch, length] = checkedTokens('forward', tokens)
    const read = checkedCounts(counts, batch, length)
    const memory = checkedCache(cache, batch)
    memory?.assertRoom(read)
    const logits = this.device.scope(() => {
      const hidden = inferHidden(this.config, this.parameters, tokens, {
        frequencies: this.#frequencies,
        start: memory?.start() ?? 0,
        cacheOf: (layer) => memory?.layer(layer) ?? this.#passingCache(batch, length),
      }) // [batch, length, hidden]
      const wanted = rows === 'last' && length > 1 ? lastRows(hidden, read) : hidden // [batch, 1 or length, hidden]
      return inferLogits(this.config, this.parameters, wanted) // [batch, 1 or length, vocabulary]
    })
    memory?.advance(read)
    return logits
  }

  /** Keys and values that end with the scope. */
  #passingCache(batch: number, rows: number): LayerCache {
    const shape = [batch, rows, this.config.kvHeads, this.config.headDim]
    return { keys: this.device.empty(shape), values: this.device.empty(shape) }
  }

  dispose(): void {
    for (const tensor of Object.values(this.parameters)) tensor.dispose()
    this.#frequencies.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}

function checkedTokens(user: string, { shape, dtype }: Tensor): [batch: number, rows: number] {
  if (shape.length === 2 && dtype === 'u32') return [shape[0]!, shape[1]!]
  throw new ShapeError(user, [shape], `the tokens must be u32 [batch, rows], not ${dtype}`)
}

/** The row of each sequence's last token: [batch, rows, hidden] → [batch, 1, hidden]. */
function lastRows(hidden: Tensor, counts: readonly number[]): Tensor {
  const [batch, rows, columns] = hidden.shape as [number, number, number]
  const ids = hidden.device.tensor(Uint32Array.from(counts, (count, b) => b * rows + Math.max(0, count - 1)))
  return embedding(hidden.reshape([batch * rows, columns]), ids).reshape([batch, 1, columns])
}

function checkedCounts(counts: readonly number[] | undefined, batch: number, rows: number): readonly number[] {
  if (!counts) return Array.from({ length: batch }, () => rows)
  if (counts.length === batch && counts.every((count) => Number.isInteger(count) && count >= 0 && count <= rows))
    return counts
  throw new OutriderError(
    'INVALID_ARGUMENT',
    `forward: counts [${counts.join(', ')}] must be ${batch} numbers from 0 to ${rows}, the rows that are tokens in each sequence.`,
  )
}

function checkedCache(cache: KvCache | undefined, batch: number): FullKvCache | undefined {
  if (!cache) return undefined
  if (!(cache instanceof FullKvCache))
    throw new OutriderError('INVALID_ARGUMENT', 'forward: the cache belongs to a model of another kind.', {
      remedy: 'Make it with createCache of the same model.',
    })
  if (cache.batchSize !== batch)
    throw new OutriderError(
      'INVALID_ARGUMENT',
      `forward: the cache holds ${cache.batchSize} sequences and the tokens are of ${batch}.`,
    )
  return cache
}
