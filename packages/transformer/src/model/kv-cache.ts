import { type Device, OutriderError, type Tensor } from '@outrider/tensor'
import { bufferBytes, position } from '@outrider/tensor/internal'
import type { ModelConfig } from '../config/index'
import { isLong } from '../config/rope-scaling'
import { type CacheDtype, cacheRowBytes, storedRows } from './cache-dtype'
import type { CacheOptions, KvBlock, KvCache } from './causal-lm'
import type { LayerCache, PassPlace } from './inference-pass'

/** The cache of a model whose layers all attend to all earlier tokens. */
export class FullKvCache implements KvCache {
  readonly batchSize: number
  readonly capacity: number
  /** Positions that its sequences may have, here or elsewhere. */
  readonly context: number
  readonly device: Device
  readonly #config: ModelConfig
  readonly #dtype: CacheDtype
  readonly #layers: LayerCache[]
  #lengths: number[]

  constructor(
    device: Device,
    config: ModelConfig,
    dtype: CacheDtype,
    { batchSize = 1, capacity = config.contextLength, context = capacity }: CacheOptions = {},
  ) {
    for (const [name, value] of Object.entries({ batchSize, capacity, context }))
      if (!Number.isSafeInteger(value) || value < 1)
        throw new OutriderError('INVALID_ARGUMENT', `createCache: ${name} is ${value}; it must be a positive integer.`)
    this.batchSize = batchSize
    this.capacity = capacity
    this.context = Math.max(capacity, context)
    this.device = device
    this.#config = config
    this.#dtype = dtype
    // Rows beyond a length are never attended to, but what they hold must be finite: 0 · NaN is NaN.
    const { shape, dtype: stored } = storedRows(config, dtype, [batchSize, capacity])
    const zeros = () => device.zeros(shape, stored)
    // All or none: where there is no memory for the last of them, the first are freed.
    this.#layers = device.scope(() => Array.from({ length: config.layers }, () => ({ keys: zeros(), values: zeros() })))
    for (const tensor of this.#tensors()) tensor.keep()
    this.#lengths = Array.from({ length: batchSize }, () => 0)
  }

  /** Memory of the device that a cache takes. */
  static bytes(config: ModelConfig, dtype: CacheDtype, options: CacheOptions = {}): number {
    const { batchSize = 1, capacity = config.contextLength } = options
    return 2 * config.layers * bufferBytes(batchSize * capacity * cacheRowBytes(config, dtype))
  }

  /** What one binding of the device holds of a layer. */
  static maxPositions({ capabilities }: Device, config: ModelConfig, dtype: CacheDtype): number {
    const most = Math.min(capabilities.maxBindingBytes, capabilities.maxBufferBytes)
    return Math.floor(most / cacheRowBytes(config, dtype))
  }

  /**
   * A cache that a model is given, which must be its own kind's.
   *
   * @throws OutriderError INVALID_ARGUMENT where it is not, or holds another number of sequences than `batch`
   */
  static of(cache: KvCache, batch = cache.batchSize): FullKvCache {
    if (!(#layers in cache))
      throw new OutriderError('INVALID_ARGUMENT', 'The cache belongs to a model of another kind.', {
        remedy: 'Make it with createCache of the same model.',
      })
    if (cache.batchSize !== batch)
      throw new OutriderError(
        'INVALID_ARGUMENT',
        `forward: the cache holds ${cache.batchSize} sequences and the tokens are of ${batch}.`,
      )
    return cache
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

  /** Where a pass goes on. The tensor of starts, if it is one, belongs to the current scope. */
  place(): PassPlace {
    const first = this.#lengths[0]!
    const isOne = this.#lengths.every((length) => length === first)
    return {
      start: isOne ? position(first) : this.device.tensor(Uint32Array.from(this.#lengths)),
      context: this.context,
      cacheOf: (layer) => this.#layers[layer]!,
    }
  }

  /** Makes sure that `counts` more tokens fit. */
  assertRoom(counts: readonly number[]): void {
    for (const [b, count] of counts.entries())
      if (this.#lengths[b]! + count > this.capacity)
        throw noRoom(`Sequence ${b} has ${this.#lengths[b]} tokens; ${count} more`, this.capacity)
  }

  copySequence(to: number, source: KvCache, from: number): void {
    const other = FullKvCache.of(source)
    const length = other.lengths[from]!
    this.#assertAlike('copySequence', { kinds: other.#longKinds, context: other.context, dtype: other.#dtype })
    if (length > this.capacity)
      throw noRoom(`Sequence ${from} of the other cache has ${length} tokens, which`, this.capacity)
    this.#lengths = this.#lengths.with(to, length)
    if (length === 0) return
    const size = this.#positionSize
    const [at, offset] = [to * this.capacity * size, from * other.capacity * size]
    const sources = other.#tensors()
    for (const [i, target] of this.#tensors().entries())
      this.device.copy(sources[i]!, offset, target, at, length * size)
  }

  copyBlock(sequence: number, first: number, count: number): KvBlock {
    const length = this.#lengths[sequence] ?? 0
    if (
      !(
        Number.isSafeInteger(first) &&
        first >= 0 &&
        Number.isSafeInteger(count) &&
        count > 0 &&
        first + count <= length
      )
    )
      throw new OutriderError(
        'INVALID_ARGUMENT',
        `cache.copyBlock: positions ${first} to ${first + count} of sequence ${sequence}, which has ${length} tokens.`,
      )
    const { device, context } = this
    const tensors = this.#tensors()
    const size = count * this.#positionSize
    // In one piece, for a device is slow at making many: the keys of a layer, its values, the keys of the next.
    const { shape, dtype: stored } = storedRows(this.#config, this.#dtype, [tensors.length, count])
    const rows = device.empty(shape, stored).keep()
    const kept = { rows, kinds: this.#longKinds, context, dtype: this.#dtype }
    const from = (sequence * this.capacity + first) * this.#positionSize
    for (const [at, tensor] of tensors.entries()) device.copy(tensor, from, rows, at * size, size)
    return new FullKvBlock(first, count, kept)
  }

  appendBlock(sequence: number, block: KvBlock): void {
    const { rows, ...kinds } = FullKvBlock.of(block)
    this.#assertAlike('appendBlock', kinds)
    const { first, count } = block
    const length = this.#lengths[sequence]
    const tensors = this.#tensors()
    const size = count * this.#positionSize
    if (length !== first || rows.size !== tensors.length * size)
      throw new OutriderError(
        'INVALID_ARGUMENT',
        `cache.appendBlock: positions ${first} to ${first + count}, and sequence ${sequence} has ${length} tokens.`,
      )
    if (length + count > this.capacity)
      throw noRoom(`Sequence ${sequence} has ${length} tokens; ${count} more`, this.capacity)
    this.#lengths = this.#lengths.with(sequence, length + count)
    const to = (sequence * this.capacity + first) * this.#positionSize
    for (const [at, tensor] of tensors.entries()) this.device.copy(rows, at * size, tensor, to, size)
  }

  advance(counts: readonly number[]): void {
    this.assertRoom(counts)
    this.#lengths = this.#lengths.map((length, b) => length + counts[b]!)
  }

  dispose(): void {
    for (const tensor of this.#tensors()) tensor.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }

  #tensors(): Tensor[] {
    return this.#layers.flatMap(({ keys, values }) => [keys, values])
  }

  /** Stored elements of the keys, or of the values, of one position in a layer. */
  get #positionSize(): number {
    return this.#layers[0]!.keys.size / (this.batchSize * this.capacity)
  }

  #assertAlike(method: string, other: Kinds): void {
    if (this.#longKinds !== other.kinds)
      throw new OutriderError(
        'INVALID_ARGUMENT',
        `cache.${method}: the keys are of a context of ${other.context} positions, which are turned otherwise in one of ${this.context}.`,
        { remedy: 'Create both caches with the same `context`.' },
      )
    if (this.#dtype !== other.dtype)
      throw new OutriderError(
        'INVALID_ARGUMENT',
        `cache.${method}: the other cache holds ${other.dtype}, this one ${this.#dtype}.`,
        { remedy: 'Create both caches with the same model.' },
      )
  }

  /** Which of the model's rotary positions are those of long contexts. */
  get #longKinds(): string {
    const { ropeScaling, slidingRope } = this.#config
    return [ropeScaling, slidingRope?.ropeScaling].map((scaling) => isLong(scaling, this.context)).join()
  }
}

/** What must be alike where keys and values are taken over. */
interface Kinds {
  /** Which of the model's rotary positions are those of long contexts. */
  kinds: string
  context: number
  dtype: CacheDtype
}

/** A copy of positions of a `FullKvCache`. */
class FullKvBlock implements KvBlock {
  readonly first: number
  readonly count: number
  /** Of 2 · layers times `count` positions, as they are stored: the keys of a layer, its values, the keys of the next. */
  readonly #kept: Kinds & { rows: Tensor }

  constructor(first: number, count: number, kept: Kinds & { rows: Tensor }) {
    this.first = first
    this.count = count
    this.#kept = kept
  }

  static of(block: KvBlock): Kinds & { rows: Tensor } {
    if (#kept in block) return block.#kept
    throw new OutriderError('INVALID_ARGUMENT', 'The block belongs to a model of another kind.', {
      remedy: 'Copy it out of a cache of the same model.',
    })
  }

  get bytes(): number {
    return this.#kept.rows.bytes
  }

  dispose(): void {
    this.#kept.rows.dispose()
  }
}

const noRoom = (what: string, capacity: number): OutriderError =>
  new OutriderError('CONTEXT_OVERFLOW', `${what} do not fit into a cache of ${capacity}.`, {
    remedy: 'Create the cache with a larger capacity, or shorten the prompt.',
  })
