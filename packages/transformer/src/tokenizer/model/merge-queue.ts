const positions = 2 ** 32

/** Merges that wait: the lowest rank first, among equals the first in the text. A binary heap of numbers, no objects. */
export class MergeQueue {
  #entries = new Float64Array(64)
  #size = 0
  /** Comparisons of entries, in all. */
  comparisons = 0

  get isEmpty(): boolean {
    return this.#size === 0
  }

  /**
   * @param rank      below 2²¹
   * @param position  below 2³²
   */
  push(rank: number, position: number): void {
    if (this.#size === this.#entries.length) this.#resize(2 * this.#size)
    const entry = rank * positions + position
    const entries = this.#entries
    let at = this.#size++
    while (at > 0) {
      const parent = (at - 1) >> 1
      this.comparisons++
      if (entries[parent]! <= entry) break
      entries[at] = entries[parent]!
      at = parent
    }
    entries[at] = entry
  }

  /** Takes out the next one: its rank × 2³² + its position. */
  pop(): number {
    const entries = this.#entries
    this.comparisons++
    const top = entries[0]!
    const last = entries[--this.#size]!
    const size = this.#size
    let at = 0
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && entries[child + 1]! < entries[child]!) child++
      this.comparisons += 2
      if (entries[child]! >= last) break
      entries[at] = entries[child]!
      at = child
    }
    entries[at] = last
    return top
  }

  /** Forgets what waits, and gives back the room of a long text. */
  clear(): void {
    this.#size = 0
    if (this.#entries.length > keptEntries) this.#resize(keptEntries)
  }

  #resize(length: number): void {
    const entries = new Float64Array(length)
    entries.set(this.#entries.subarray(0, Math.min(this.#size, length)))
    this.#entries = entries
  }
}

/** Entries whose room is kept from one word to the next. */
const keptEntries = 4096

export const rankOf = (entry: number) => Math.floor(entry / positions)
export const positionOf = (entry: number) => entry % positions
