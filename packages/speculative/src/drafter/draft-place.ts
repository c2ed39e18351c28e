import type { BatchCache, CachedSequence, CausalLM, KvCache } from '@outrider/transformer'

/** Where a model's keys and values of one sequence are: in a cache of their own, or beside those of others. */
export class DraftPlace implements CachedSequence {
  readonly places: number
  slot = -1
  #own: KvCache | undefined
  #shared: BatchCache<DraftPlace> | undefined

  /** @param places  tokens that it may have */
  constructor(model: CausalLM, places: number) {
    const { contextLength } = model.config
    this.places = Math.min(places, contextLength)
    this.#own = model.createCache({ capacity: this.places, context: contextLength })
  }

  /** Its own cache; undefined once it is with others. */
  get own(): KvCache | undefined {
    return this.#own
  }

  /** Tokens that have been read. */
  get length(): number {
    return this.#own ? this.#own.lengths[0]! : this.#shared!.cache.lengths[this.slot]!
  }

  truncate(length: number): void {
    if (this.#own) this.#own.truncate(length)
    else this.#shared!.cache.truncate(this.#shared!.cache.lengths.with(this.slot, length))
  }

  /** Has room kept for it beside the others. */
  reserve(shared: BatchCache<DraftPlace>): void {
    shared.reserve(this)
    this.#shared = shared
  }

  /** Moves to where room is kept for it, for good. */
  join(): void {
    this.#shared!.add(this, this.#own!)
    this.#own!.dispose()
    this.#own = undefined
  }

  dispose(): void {
    this.#own?.dispose()
    this.#shared?.remove(this)
  }
}
