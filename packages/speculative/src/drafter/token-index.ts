/** A place in a text before which the last tokens of a context stand, too. */
export interface Match {
  /** Where what follows them begins. */
  next: number
  /** How many of the last tokens are the same; no more than `longestMatch` are counted. */
  length: number
}

/** Longer matches are not told from those of so many tokens. */
export const longestMatch = 32

/** Between two texts: stands for no token, so that no match and no continuation goes from one into the other. */
export const noText = 0xffffffff

/**
 * Texts that grow, and where n-grams occur in them: the places by the hash of the n tokens before them, chained from the newest
 * back, as deflate looks for what it can repeat (RFC 1951, section 4). Of the tokens the newest are kept, `capacity` many; adding
 * one takes the same time however many there are.
 */
export class TokenIndex {
  readonly #n: number
  readonly #capacity: number
  /** Token i is at i modulo the capacity, and there, too, the place with the same hash before place i + 1; 0 is none. */
  readonly #tokens: Uint32Array
  readonly #before: Uint32Array
  /** By hash, the newest place; 0 is none. */
  readonly #newest: Uint32Array
  #length = 0

  /**
   * @param n         tokens that a match has at least
   * @param capacity  tokens that are kept
   */
  constructor(n: number, capacity: number) {
    this.#n = n
    this.#capacity = capacity
    this.#tokens = new Uint32Array(capacity)
    this.#before = new Uint32Array(capacity)
    this.#newest = new Uint32Array(2 ** Math.ceil(Math.log2(capacity + 1)))
  }

  /** Tokens that were added, forgotten ones among them. */
  get length(): number {
    return this.#length
  }

  /** The first token that is kept. */
  get begin(): number {
    return Math.max(0, this.#length - this.#capacity)
  }

  at(i: number): number {
    return this.#tokens[i % this.#capacity]!
  }

  add(token: number): void {
    const i = this.#length++
    this.#tokens[i % this.#capacity] = token
    if (this.#length - this.begin < this.#n) return
    const hash = this.#hash((k) => this.at(i - k))
    this.#before[i % this.#capacity] = this.#newest[hash]!
    this.#newest[hash] = this.#length
  }

  /** Every place with the last n tokens of the context before it and something after it, the newest first. */
  *matches(context: readonly number[]): Generator<Match> {
    if (context.length < this.#n) return
    const last = context.length - 1
    let next = this.#newest[this.#hash((k) => context[last - k]!)]!
    for (; next > this.begin; next = this.#before[(next - 1) % this.#capacity]!) {
      const most = Math.min(next - this.begin, context.length, longestMatch)
      let length = 0
      while (length < most && this.at(next - 1 - length) === context[last - length]) length++
      if (length >= this.#n && next < this.#length && this.at(next) !== noText) yield { next, length }
    }
  }

  /** Up to `count` tokens of the text from a place on. */
  from(next: number, count: number): number[] {
    const ids: number[] = []
    for (let i = next; i < this.#length && ids.length < count && this.at(i) !== noText; i++) ids.push(this.at(i))
    return ids
  }

  /** Of n tokens, the last first. */
  #hash(token: (k: number) => number): number {
    let hash = 0
    for (let k = 0; k < this.#n; k++) hash = Math.imul(hash ^ token(k), 0x9e3779b1)
    return (hash ^ (hash >>> 15)) & (this.#newest.length - 1)
  }
}
