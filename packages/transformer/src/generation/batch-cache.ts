import { OutriderError } from '@outrider/tensor'
import type { CausalLM, KvCache } from '../model/index'
import { isOutOfMemory } from './out-of-memory'

/** A sequence that has, or is to have, a place in the cache. */
export interface CachedSequence {
  /** Tokens that it may have, prompt and answer. */
  readonly places: number
  /** Its sequence in the cache; -1 before it has one. Written by the cache. */
  slot: number
}

/** Whose keys and values they are. */
interface Cached {
  readonly model: CausalLM
  readonly config: Pick<CausalLM['config'], 'contextLength'>
}

/**
 * The keys and values of sequences that come and go. It has room for those who are there: it grows with them and shrinks with
 * them, and is freed with the last.
 */
export class BatchCache<Sequence extends CachedSequence = CachedSequence> {
  readonly #cached: Cached
  /** The most sequences. */
  readonly size: number
  readonly #positions: number
  readonly #sequences = new Set<Sequence>()
  /** Those that are yet to come. */
  readonly #reserved = new Set<Sequence>()
  #cache: KvCache | undefined

  /**
   * @param size  the most sequences
   * @throws OutriderError INVALID_ARGUMENT for a size that is none
   */
  constructor(cached: Cached, size: number) {
    if (!Number.isSafeInteger(size) || size < 1)
      throw new OutriderError('INVALID_ARGUMENT', `size is ${size}; it must be a positive whole number.`)
    this.#cached = cached
    this.size = size
    this.#positions = cached.model.maxCachePositions ?? Number.POSITIVE_INFINITY
  }

  get sequences(): ReadonlySet<Sequence> {
    return this.#sequences
  }

  /** For a pass over all of them; there must be one. It is another after `add` and `settle`. */
  get cache(): KvCache {
    return this.#cache!
  }

  /** The most tokens, prompt and answer, that a sequence can have: the model's context, or what one binding holds. */
  get longest(): number {
    return Math.min(this.#cached.config.contextLength, this.#positions)
  }

  /** Whether a sequence of so many tokens, prompt and answer, has room now. */
  fits(tokens: number): boolean {
    const all = [...this.#sequences, ...this.#reserved]
    const slots = slotsFor(all.length + 1)
    return all.length < this.size && slots * this.#capacityFor(tokens, all) <= this.#positions
  }

  /** @throws OutriderError DEVICE_LIMIT where a sequence of so many tokens does not fit */
  assertFits(tokens: number): void {
    if (this.fits(tokens)) return
    throw new OutriderError(
      'DEVICE_LIMIT',
      `${tokens} more tokens do not fit into the batch of ${this.#sequences.size + this.#reserved.size}.`,
      { remedy: 'Wait until sequences have left it, ask `fits` first, or ask for fewer tokens.' },
    )
  }

  /**
   * Memory of the device that is taken at most, beside what is taken now, until those that room is kept for are there, and if tokens are
   * given one more sequence of so many: a cache that grows is copied, and the old one is freed after that. Undefined for a model that does
   * not say.
   */
  growth(tokens?: number): number | undefined {
    const { cacheBytes } = this.#cached.model
    if (!cacheBytes) return undefined
    const bytesOf = cacheBytes.bind(this.#cached.model)
    const all = [...this.#sequences, ...this.#reserved]
    const coming = this.#reserved.size + (tokens === undefined ? 0 : 1)
    if (coming === 0) return 0
    const longest = Math.max(tokens ?? 0, ...all.map(({ places }) => places))
    const [batchSize, capacity] = [slotsFor(this.#sequences.size + coming), this.#capacityFor(longest, all)]
    const present = this.#cache
    if (present && batchSize === present.batchSize && longest <= present.capacity) return 0
    const final = bytesOf({ batchSize, capacity })
    if (coming === 1) return final
    // It may grow several times, each time from less than it has in the end.
    const now = present ? bytesOf({ batchSize: present.batchSize, capacity: present.capacity }) : 0
    return Math.max(final, 2 * final - now)
  }

  /** Keeps room for a sequence that is to be added. */
  reserve(sequence: Sequence): void {
    this.#reserved.add(sequence)
  }

  /** Takes a sequence in, with what was read of it into a cache of its own. */
  add(sequence: Sequence, read: KvCache): void {
    this.#reserved.delete(sequence)
    this.#arrange([...this.#sequences, sequence])
    this.#cache!.copySequence(sequence.slot, read, 0)
    this.#sequences.add(sequence)
  }

  /** @returns whether it was there */
  remove(sequence: Sequence): boolean {
    if (this.#reserved.delete(sequence)) return true
    if (!this.#sequences.delete(sequence)) return false
    if (this.#sequences.size === 0) this.#free()
    // A free place of length 0 attends to one token; what passes write there, nobody reads.
    else this.#cache!.truncate(this.#cache!.lengths.with(sequence.slot, 0))
    return true
  }

  /** Gives back the room of those who have left. */
  settle(): void {
    if (this.#sequences.size === 0) return
    try {
      this.#arrange([...this.#sequences])
    } catch (error) {
      // A smaller cache is made before the larger one goes; where there is no memory for both, that stays.
      if (!isOutOfMemory(error)) throw error
    }
  }

  /** Forgets all sequences and frees what it holds. It is as usable as a new one. */
  dispose(): void {
    this.#reserved.clear()
    this.#free()
  }

  #free(): void {
    this.#sequences.clear()
    this.#cache?.dispose()
    this.#cache = undefined
  }

  /** Gives every sequence a slot, in a cache that is neither too small for them nor much too large. */
  #arrange(sequences: readonly Sequence[]): void {
    const slots = slotsFor(sequences.length)
    const cache = this.#cache
    const free = new Set(Array.from({ length: cache?.batchSize ?? 0 }, (_, slot) => slot))
    for (const { slot } of sequences) free.delete(slot)
    const newcomers = sequences.filter(({ slot }) => slot < 0)
    const places = Math.max(...sequences.map(({ places }) => places))
    if (cache && slots === cache.batchSize && places <= cache.capacity) {
      for (const sequence of newcomers) {
        const [slot] = free
        sequence.slot = slot!
        free.delete(slot!)
      }
      return
    }
    const { model, config } = this.#cached
    const capacity = this.#capacityFor(places, sequences)
    const next = model.createCache({ batchSize: slots, capacity, context: config.contextLength })
    for (const [slot, sequence] of sequences.entries()) {
      if (cache && sequence.slot >= 0) next.copySequence(slot, cache, sequence.slot)
      sequence.slot = slot
    }
    cache?.dispose()
    this.#cache = next
  }

  /** Room in every sequence of the cache, in steps, so that it does not move for every newcomer. */
  #capacityFor(tokens: number, sequences: Iterable<Sequence>): number {
    const longest = Math.max(tokens, ...Array.from(sequences, ({ places }) => places))
    return Math.max(longest, Math.min(64 * Math.ceil(longest / 64), this.longest))
  }
}

/** Sequences of the cache: a power of two, for every number of rows has kernels of its own. */
export const slotsFor = (count: number): number => 2 ** Math.ceil(Math.log2(Math.max(count, 1)))
