/**
 * Ids of words met before, bounded: the words met last are kept, as many as `size` and up to twice that. (Two halves: when the
 * younger is full, the older is forgotten.)
 */
export class WordCache {
  readonly #size: number
  #young = new Map<string, readonly number[]>()
  #old = new Map<string, readonly number[]>()

  constructor(size = 8192) {
    this.#size = size
  }

  get(word: string): readonly number[] | undefined {
    const young = this.#young.get(word)
    if (young) return young
    const old = this.#old.get(word)
    if (old) this.set(word, old)
    return old
  }

  set(word: string, ids: readonly number[]): void {
    if (this.#young.size >= this.#size) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(word, ids)
  }

  /** Words that are kept. */
  get kept(): number {
    return this.#young.size + this.#old.size
  }
}
