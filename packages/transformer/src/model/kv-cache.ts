import { type Device, OutriderError, type Start } from '@outrider/tensor'
import { position } from '@outrider/tensor/internal'
import type { KvCache } from './causal-lm'
import type { LayerCache } from './llama-inference'

/** The cache of a model whose layers all attend to all earlier tokens. */
export class FullKvCache implements KvCache {
  readonly batchSize: number
  readonly capacity: number
  readonly device: Device
  readonly #layers: LayerCache[]
  #lengths: number[]

  constructor(
    device: Device,
    { layers, kvHeads, headDim }: { layers: number; kvHeads: number; headDim: number },
    { batchSize, capacity }: { batchSize: number; capacity: number },
  ) {
    for (const [name, value] of Object.entries({ batchSize, capacity }))
      if (!Number.isSafeInteger(value) || value < 1)
        throw new OutriderError('INVALID_ARGUMENT', `createCache: ${name} is ${value}; it must be a positive integer.`)
    this.batchSize = batchSize
    this.capacity = capacity
    this.device = device
    // Rows beyond a length are never attended to, but what they hold must be finite: 0 · NaN is NaN.
    const zeros = () => device.zeros([batchSize, capacity, kvHeads, headDim]).keep()
    this.#layers = Array.from({ length: layers }, () => ({ keys: zeros(), values: zeros() }))
    this.#lengths = Array.from({ length: batchSize }, () => 0)
  }

  get lengths(): readonly number[] {
    return this.#lengths
  }

  truncate(length: number | readonly number[]): void {
    const lengths = typeof length === 'number' ? this.#lengths.map(() => length) : [...length]
    const fits =
      lengths.length === this.batchSize &&
      lengths.every((l, b) => Number.isInteger(l) && l >= 0 && l <= this.#lengths[b]!)
    if (!fits)
      throw new OutriderError(
        'INVALID_ARGUMENT',
        `cache.truncate: [${lengths.join(', ')}] is not within the present lengths [${this.#lengths.join(', ')}].`,
      )
    this.#lengths = lengths
  }

  /** Where the next token of each sequence goes. The tensor, if it is one, belongs to the current scope. */
  start(): Start {
    const first = this.#lengths[0]!
    return this.#lengths.every((length) => length === first)
      ? position(first)
      : this.device.tensor(Uint32Array.from(this.#lengths))
  }

  /** Keys and values of a layer, with room for the capacity. */
  layer(layer: number): LayerCache {
    return this.#layers[layer]!
  }

  /** Makes sure that `counts` more tokens fit. */
  assertRoom(counts: readonly number[]): void {
    for (const [b, count] of counts.entries())
      if (this.#lengths[b]! + count > this.capacity)
        throw new OutriderError(
          'CONTEXT_OVERFLOW',
          `Sequence ${b} has ${this.#lengths[b]} tokens; ${count} more do not fit into a cache of ${this.capacity}.`,
          { remedy: 'Create the cache with a larger capacity, or shorten the prompt.' },
        )
  }

  /**
   * Takes over what another cache of the model has of a sequence, in place of what is here; it stays there too.
   *
   * @throws OutriderError CONTEXT_OVERFLOW for more tokens than there is room for
   */
  copySequence(to: number, source: FullKvCache, from: number): void {
    const length = source.lengths[from]!
    this.#lengths = this.#lengths.with(to, 0)
    this.assertRoom(this.#lengths.map((_, b) => (b === to ? length : 0)))
    this.#lengths = this.#lengths.with(to, length)
    if (length === 0) return
    for (const [layer, target] of this.#layers.entries()) {
      const width = target.keys.size / (this.batchSize * this.capacity)
      const [at, offset] = [to * this.capacity * width, from * source.capacity * width]
      const { keys, values } = source.layer(layer)
      this.device.copy(keys, offset, target.keys, at, length * width)
      this.device.copy(values, offset, target.values, at, length * width)
    }
  }

  /** Counts new tokens as read. */
  advance(counts: readonly number[]): void {
    this.#lengths = this.#lengths.map((length, b) => length + counts[b]!)
  }

  dispose(): void {
    for (const { keys, values } of this.#layers) {
      keys.dispose()
      values.dispose()
    }
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}
