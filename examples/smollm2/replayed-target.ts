import { type Device, OutriderError, type Tensor } from '@outrider/tensor'
import type { CausalLM, ForwardOptions, KvCache } from '@outrider/transformer'

/**
 * A target that says what was written down: after each place of a prompt and its greedy answer the token that follows there. Greedily
 * a drafter is accepted by it exactly as by the model that wrote the answer, in as many passes, and a pass costs nothing.
 */
export class ReplayedTarget implements CausalLM {
  readonly device: Device
  readonly config: CausalLM['config']
  readonly parameterCount: number
  /** The prompt and the answer to it that are replayed. */
  script: readonly number[] = []

  constructor(device: Device, { config, parameterCount }: Pick<CausalLM, 'config' | 'parameterCount'>) {
    this.device = device
    this.config = config
    this.parameterCount = parameterCount
  }

  createCache(): KvCache {
    return new PositionCache(this.config.contextLength)
  }

  forward(tokens: Tensor, { cache, rows = 'all' }: ForwardOptions = {}): Tensor {
    const count = tokens.shape[1]!
    const first = cache?.lengths[0] ?? 0
    cache?.advance([count])
    const places = Array.from({ length: count }, (_, row) => first + row)
    const wanted = rows === 'last' ? places.slice(-1) : places
    const logits = new Float32Array(wanted.length * this.config.vocabularySize)
    // Behind the answer's end nobody asks for more.
    for (const [row, place] of wanted.entries())
      logits[row * this.config.vocabularySize + (this.script[place + 1] ?? 0)] = 100
    return this.device.tensor(logits, { shape: [1, wanted.length, this.config.vocabularySize] })
  }

  dispose(): void {}
}

/** How far one sequence has been read: what is said depends on nothing else. */
class PositionCache implements KvCache {
  readonly batchSize = 1
  readonly capacity: number
  lengths: readonly number[] = [0]

  constructor(capacity: number) {
    this.capacity = capacity
  }

  advance([count = 0]: readonly number[]): void {
    const length = this.lengths[0]! + count
    if (length > this.capacity)
      throw new OutriderError('CONTEXT_OVERFLOW', `The cache has room for ${this.capacity} tokens, not for ${length}.`)
    this.lengths = [length]
  }

  truncate(length: number | readonly number[]): void {
    const wanted = typeof length === 'number' ? length : length[0]!
    if (wanted > this.lengths[0]!)
      throw new OutriderError('INVALID_ARGUMENT', `The cache has ${this.lengths} tokens, not ${wanted}.`)
    this.lengths = [wanted]
  }

  copySequence(_: number, source: KvCache, from: number): void {
    this.lengths = [source.lengths[from]!]
  }

  dispose(): void {}
}
