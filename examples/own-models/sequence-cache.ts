import { type Device, OutriderError, type Tensor } from '@outrider/tensor'
import type { KvCache } from '@outrider/transformer'

/** What a model without attention remembers of its sequences: how long they are, and which tokens they have. */
export class SequenceCache implements KvCache {
  readonly batchSize: number
  readonly capacity: number
  lengths: readonly number[]
  /** u32 [batch, capacity]; of each sequence as many as its length says. */
  readonly tokens: Tensor

  constructor(device: Device, { batchSize, capacity }: { batchSize: number; capacity: number }) {
    this.batchSize = batchSize
    this.capacity = capacity
    this.lengths = new Array<number>(batchSize).fill(0)
    this.tokens = device.zeros([batchSize, capacity], 'u32').keep()
  }

  /** Adds the first `counts` tokens of each row of u32 [batch, rows]. */
  append(tokens: Tensor, counts: readonly number[]): void {
    const before = this.lengths
    this.advance(counts)
    const rows = tokens.shape[1]!
    for (const [b, count] of counts.entries())
      if (count > 0) tokens.device.copy(tokens, b * rows, this.tokens, b * this.capacity + before[b]!, count)
  }

  advance(counts: readonly number[]): void {
    const lengths = this.lengths.map((length, b) => length + (counts[b] ?? 0))
    if (lengths.some((length) => length > this.capacity))
      throw new OutriderError('CONTEXT_OVERFLOW', `The cache has room for ${this.capacity} tokens, not for ${lengths}.`)
    this.lengths = lengths
  }

  truncate(length: number | readonly number[]): void {
    const lengths = this.lengths.map((_, b) => (typeof length === 'number' ? length : length[b]!))
    if (lengths.some((wanted, b) => wanted > this.lengths[b]!))
      throw new OutriderError('INVALID_ARGUMENT', `The cache has ${this.lengths} tokens, not ${lengths}.`)
    this.lengths = lengths
  }

  copySequence(to: number, source: SequenceCache, from: number): void {
    const length = source.lengths[from]!
    if (length > this.capacity)
      throw new OutriderError('CONTEXT_OVERFLOW', `The cache has room for ${this.capacity} tokens, not for ${length}.`)
    if (length > 0)
      source.tokens.device.copy(source.tokens, from * source.capacity, this.tokens, to * this.capacity, length)
    this.lengths = this.lengths.map((before, b) => (b === to ? length : before))
  }

  dispose(): void {
    this.tokens.dispose()
  }
}
