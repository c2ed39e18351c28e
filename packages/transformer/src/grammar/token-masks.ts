import type { Automaton, State } from './automaton'
import type { TokenTrie } from './token-trie'

/** Which tokens may follow within one rule, and where in the tree of tokens the rule may end. */
interface InnerMask {
  words: Uint32Array
  /** Nodes of the tree. */
  exits: Int32Array
}

/**
 * Masks of the tokens that may be read from a state, each made once. Most of a mask depends on the rule that is being read and
 * not on what is around it (a string's characters): that part is found by one walk through the tree for all places where the
 * rule is called, and only what leaves the rule is followed from there.
 */
export class TokenMasks {
  readonly #automaton: Automaton
  readonly #trie: TokenTrie
  readonly #endTokens: readonly number[]
  /** Special tokens with the classes of their symbols. */
  readonly #special: readonly { id: number; symbolClass: number }[]
  readonly #masks = new Map<State, Uint32Array>()
  readonly #inner = new Map<State, InnerMask>()
  /** The state at every depth of the walk. */
  readonly #path: State[] = []

  /**
   * @param options.special    ids of the grammar's special tokens
   * @param options.endTokens  ids that end a text: they are none of it, even where a tokenizer has them as text
   */
  constructor(
    automaton: Automaton,
    trie: TokenTrie,
    { special, endTokens }: { special: readonly number[]; endTokens: readonly number[] },
  ) {
    this.#automaton = automaton
    this.#trie = trie
    this.#endTokens = endTokens
    this.#special = special.map((id, at) => ({ id, symbolClass: automaton.classOf[256 + at]! }))
  }

  /** Bytes that the masks take. */
  get bytes(): number {
    return 4 * this.#trie.words * (this.#masks.size + this.#inner.size)
  }

  /** A bit for every id that may follow, the end where the text is complete; never to be written. */
  of(state: State): Uint32Array {
    const alike = this.#automaton.alike(state)
    const known = this.#masks.get(alike)
    if (known) return known
    const words = this.#made(alike)
    this.#masks.set(alike, words)
    return words
  }

  #made(state: State): Uint32Array {
    const words = new Uint32Array(this.#trie.words)
    for (const { inner, outer } of this.#automaton.parts(state)) {
      const { words: within, exits } = this.#innerMask(inner)
      for (let i = 0; i < words.length; i++) words[i]! |= within[i]!
      for (const node of exits)
        if (outer) this.#walk(node, outer, words)
        else this.#allow(node, words)
    }
    for (const { id, symbolClass } of this.#special)
      if (this.#automaton.step(state, symbolClass)) words[id >>> 5]! |= 1 << (id & 31)
    for (const id of this.#endTokens)
      if (state.complete) words[id >>> 5]! |= 1 << (id & 31)
      else words[id >>> 5]! &= ~(1 << (id & 31))
    return words
  }

  #innerMask(inner: State): InnerMask {
    const known = this.#inner.get(inner)
    if (known) return known
    const words = new Uint32Array(this.#trie.words)
    const exits: number[] = []
    this.#walk(0, inner, words, exits)
    const made = { words, exits: Int32Array.from(exits) }
    this.#inner.set(inner, made)
    return made
  }

  /**
   * Allows all tokens at and below a node that may be read, the first of them from a state at that node. With `exits`, those
   * that end the reading are left out, and noted there.
   */
  #walk(from: number, state: State, words: Uint32Array, exits?: number[]): void {
    const { bytes, depths, ends } = this.#trie
    const { classOf } = this.#automaton
    const path = this.#path
    const end = ends[from]!
    path[depths[from]!] = state
    if (from > 0) this.#allow(from, words)
    for (let at = from + 1; at < end; ) {
      const before = path[depths[at]! - 1]!
      const symbolClass = classOf[bytes[at]!]!
      const known = before.next[symbolClass]
      const next = known === undefined ? this.#automaton.step(before, symbolClass) : known
      if (next === null) {
        at = ends[at]!
        continue
      }
      path[depths[at]!] = next
      if (next.complete && exits) exits.push(at)
      if (next.frames.length > 0 || !exits) this.#allow(at, words)
      at++
    }
  }

  #allow(node: number, words: Uint32Array): void {
    const { firsts, tokens } = this.#trie
    for (let i = firsts[node]!; i < firsts[node + 1]!; i++) {
      const id = tokens[i]!
      words[id >>> 5]! |= 1 << (id & 31)
    }
  }
}
