import { add, type Device, embedding, type Head, headLogits, relu, type Tensor, uniform01 } from '@outrider/tensor'
import type { ForwardOptions, KvCache, ModelParameters, StoredForm, TrainableLM } from '@outrider/transformer'
import { SequenceCache } from './sequence-cache'

export interface WindowMlpConfig {
  vocabularySize: number
  contextLength: number
  /** Tokens that it sees, the last among them. Default 4. */
  window?: number
  /** Default 32. */
  hiddenSize?: number
}

/**
 * A neural n-gram model (Bengio et al. 2003): each of the last few tokens has an embedding by its distance, hidden states are
 * relu of their sum, and a head with a bias makes logits of them. Before the first token there is token 0.
 */
export class WindowMlp implements TrainableLM {
  readonly device: Device
  readonly config: Required<WindowMlpConfig>
  readonly parameters: ModelParameters
  readonly parameterCount: number

  constructor(device: Device, config: Required<WindowMlpConfig>, parameters: ModelParameters) {
    this.device = device
    this.config = config
    this.parameters = parameters
    this.parameterCount = Object.values(parameters).reduce((sum, { size }) => sum + size, 0)
  }

  static initialize(device: Device, { window = 4, hiddenSize = 32, ...config }: WindowMlpConfig, seed = 0): WindowMlp {
    const shapes = new Map<string, [number, number]>()
    for (let distance = 0; distance < window; distance++)
      shapes.set(`embedding.${distance}.weight`, [config.vocabularySize, hiddenSize])
    shapes.set('head.weight', [config.vocabularySize, hiddenSize])
    const parameters: ModelParameters = { 'head.bias': device.zeros([config.vocabularySize]).keep() }
    for (const [index, [name, shape]] of [...shapes].entries()) {
      const values = Float32Array.from({ length: shape[0] * shape[1] }, (_, i) => uniform01(seed, index * 2 ** 32 + i))
      parameters[name] = device
        .tensor(
          values.map((u) => 0.4 * (u - 0.5)),
          { shape },
        )
        .keep()
    }
    return new WindowMlp(device, { ...config, window, hiddenSize }, parameters)
  }

  /** What `config.json` says; who loads a checkpoint again reads it there. */
  get stored(): StoredForm {
    const { vocabularySize, contextLength, window, hiddenSize } = this.config
    return {
      config: {
        architectures: ['WindowMlp'],
        vocab_size: vocabularySize,
        max_position_embeddings: contextLength,
        window,
        hidden_size: hiddenSize,
      },
    }
  }

  createCache({ batchSize = 1, capacity = this.config.contextLength } = {}): SequenceCache {
    return new SequenceCache(this.device, { batchSize, capacity })
  }

  forward(tokens: Tensor, { cache, rows = 'all', counts }: ForwardOptions = {}): Tensor {
    const [batch, length] = tokens.shape as [number, number]
    const read = counts ?? new Array<number>(batch).fill(length)
    return this.device.scope(() => {
      const all = this.#hidden(this.parameters, tokens, { cache, counts: read }) // [batch, rows, hidden]
      return headLogits(this.head(), rows === 'all' ? all : lastRows(all, read, rows === 'last' ? 1 : rows))
    })
  }

  hidden(tokens: Tensor): Tensor {
    return this.device.scope(() => this.#hidden(this.parameters, tokens))
  }

  trainingHidden(parameters: ModelParameters, tokens: Tensor): Tensor {
    return this.#hidden(parameters, tokens)
  }

  head(parameters: ModelParameters = this.parameters): Head {
    return { weight: parameters['head.weight']!, bias: parameters['head.bias']! }
  }

  #hidden(
    parameters: ModelParameters,
    tokens: Tensor,
    { cache, counts }: { cache?: KvCache | undefined; counts?: readonly number[] } = {},
  ): Tensor {
    const [batch, rows] = tokens.shape as [number, number]
    const read = counts ?? new Array<number>(batch).fill(rows)
    const memory = (cache as SequenceCache | undefined) ?? this.createCache({ batchSize: batch, capacity: rows })
    const starts = memory.lengths
    memory.append(tokens, read)
    let sum = embedding(parameters['embedding.0.weight']!, tokens) // [batch, rows, hidden]
    for (let distance = 1; distance < this.config.window; distance++) {
      const earlier = this.device.zeros([batch, rows], 'u32')
      for (const [b, start] of starts.entries()) {
        const before = Math.min(rows, Math.max(0, distance - start)) // rows whose token so far back is none
        const count = read[b]! - before
        const from = b * memory.capacity + start - distance + before
        if (count > 0) this.device.copy(memory.tokens, from, earlier, b * rows + before, count)
      }
      sum = add(sum, embedding(parameters[`embedding.${distance}.weight`]!, earlier))
    }
    if (!cache) memory.dispose()
    return relu(sum)
  }

  dispose(): void {
    for (const tensor of Object.values(this.parameters)) tensor.dispose()
  }
}

/** The rows of each sequence's last n tokens: [batch, rows, hidden] → [batch, n, hidden]. */
function lastRows(hidden: Tensor, counts: readonly number[], n: number): Tensor {
  const [batch, rows, columns] = hidden.shape as [number, number, number]
  const last = hidden.device.empty([batch, n, columns])
  for (const [b, count] of counts.entries())
    for (let i = 0; i < n; i++)
      hidden.device.copy(
        hidden,
        (b * rows + Math.max(0, count - n + i)) * columns,
        last,
        (b * n + i) * columns,
        columns,
      )
  return last
}
