import { MergeQueue, positionOf, rankOf } from './merge-queue'
import type { PairTable } from './pair-table'

/** Which pairs of tokens become one. */
export interface Merges {
  /** The rank of a pair of ids. */
  ranks: PairTable
  /** The token that the merge of a rank makes. */
  products: Int32Array
}

const removed = -1

/**
 * Byte-pair encoding of one word (Sennrich, Haddow and Birch 2016, arXiv:1508.07909): of all neighbours that a merge is known for, those with the lowest
 * rank become one, the first in the word before others, until there are none. With a queue of the merges that wait, a word
 * of n symbols takes O(n log n).
 */
export class Merging {
  readonly #merges: Merges
  readonly #queue = new MergeQueue()
  #ids = new Int32Array(64)
  #previous = new Int32Array(64)
  #next = new Int32Array(64)
  #length = 0

  constructor(merges: Merges) {
    this.#merges = merges
  }

  /** One beside this one, for a word of its own. */
  another(): Merging {
    return new Merging(this.#merges)
  }

  /** Begins with the symbols of a word. */
  begin(symbols: readonly number[]): void {
    const length = symbols.length
    if (this.#ids.length < length || this.#ids.length > keptSymbols) this.#make(Math.max(length, 64))
    this.#length = length
    for (let i = 0; i < length; i++) {
      this.#ids[i] = symbols[i]!
      this.#previous[i] = i - 1
      this.#next[i] = i + 1 < length ? i + 1 : -1
    }
    this.#queue.clear()
    for (let i = 0; i + 1 < length; i++) this.#await(i)
  }

  /** Goes on for about so many comparisons; true when the word is done. */
  advance(comparisons = Number.POSITIVE_INFINITY): boolean {
    const queue = this.#queue
    const most = queue.comparisons + comparisons
    while (!queue.isEmpty) {
      if (queue.comparisons >= most) return false
      const entry = queue.pop()
      this.#merge(positionOf(entry), rankOf(entry))
    }
    return true
  }

  /** Comparisons made, in all words together. */
  get comparisons(): number {
    return this.#queue.comparisons
  }

  /** Appends the ids of the word as they are now. */
  collect(ids: number[]): void {
    for (let at = this.#length > 0 ? 0 : -1; at !== -1; at = this.#next[at]!) ids.push(this.#ids[at]!)
  }

  #merge(left: number, rank: number): void {
    const ids = this.#ids
    if (ids[left] === removed) return
    const right = this.#next[left]!
    if (right === -1) return
    // Its neighbours may have become others since the merge was found.
    const now = this.#merges.ranks.get(ids[left]!, ids[right]!)
    const product = this.#merges.products[rank]!
    if (now === -1 || this.#merges.products[now] !== product) return
    ids[left] = product
    ids[right] = removed
    const after = this.#next[right]!
    this.#next[left] = after
    if (after !== -1) this.#previous[after] = left
    const before = this.#previous[left]!
    if (before !== -1) this.#await(before)
    if (after !== -1) this.#await(left)
  }

  #await(left: number): void {
    const rank = this.#merges.ranks.get(this.#ids[left]!, this.#ids[this.#next[left]!]!)
    if (rank !== -1) this.#queue.push(rank, left)
  }

  #make(length: number): void {
    this.#ids = new Int32Array(length)
    this.#previous = new Int32Array(length)
    this.#next = new Int32Array(length)
  }
}

/** Symbols whose room is kept from one word to the next. */
const keptSymbols = 4096
