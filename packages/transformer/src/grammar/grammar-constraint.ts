import { OutriderError } from '@outrider/tensor'
import type { TokenConstraint } from '../generation/constraint'
import type { Tokenizer } from '../tokenizer/index'
import { Automaton, type State } from './automaton'
import type { Grammar, Rule } from './grammar'
import { spelt } from './spelt'
import { TokenMasks } from './token-masks'
import { type TokenTrie, tokenTrie } from './token-trie'

/** What an automaton may have made, and bytes of masks, before the next answers begin with a new one. */
const mostMade = 500_000
const mostMaskBytes = 2 ** 26
/** Bytes that are looked ahead for each token that is forced: few tokens of what keys are made of have more. */
const bytesAhead = 16

/** What constraints of one grammar share: the automaton and masks that have been made so far. */
class CompiledGrammar {
  readonly tokenizer: Tokenizer
  readonly endTokens: readonly number[]
  readonly trie: TokenTrie
  readonly #grammar: Grammar
  readonly #root: Rule
  #machine: Machine

  constructor(grammar: Grammar, root: Rule, tokenizer: Tokenizer, endTokens: readonly number[]) {
    this.#grammar = grammar.finished(root)
    this.#root = root
    this.tokenizer = tokenizer
    this.endTokens = endTokens
    this.trie = tokenTrie(tokenizer)
    this.#machine = this.#make()
  }

  /** For a new answer. What has grown large is left to those that use it. */
  machine(): Machine {
    const { automaton, masks } = this.#machine
    if (automaton.size > mostMade || masks.bytes > mostMaskBytes) this.#machine = this.#make()
    return this.#machine
  }

  #make(): Machine {
    const automaton = new Automaton(this.#grammar, this.#root, { horizon: this.trie.depth })
    const { tokens } = this.#grammar
    return {
      automaton,
      masks: new TokenMasks(automaton, this.trie, { special: tokens, endTokens: this.endTokens }),
      symbols: new Map(tokens.map((id, at) => [id, 256 + at])),
    }
  }
}

interface Machine {
  automaton: Automaton
  masks: TokenMasks
  /** Symbols of special tokens. */
  symbols: ReadonlyMap<number, number>
}

/** The tokens by which a text of a grammar may go on: those whose bytes it allows next, and the end where it is complete. */
export class GrammarConstraint implements TokenConstraint {
  readonly #compiled: CompiledGrammar
  readonly #machine: Machine
  #state: State
  #ended = false

  private constructor(compiled: CompiledGrammar, machine: Machine, state: State) {
    this.#compiled = compiled
    this.#machine = machine
    this.#state = state
  }

  /**
   * @throws OutriderError INVALID_ARGUMENT where no text fits the grammar
   * @internal
   */
  static of(grammar: Grammar, root: Rule, tokenizer: Tokenizer, endTokens: readonly number[]): GrammarConstraint {
    const compiled = new CompiledGrammar(grammar, root, tokenizer, endTokens)
    const machine = compiled.machine()
    return new GrammarConstraint(compiled, machine, machine.automaton.start)
  }

  /** Whether what has been said is a whole text of the grammar. */
  get complete(): boolean {
    return this.#state.complete
  }

  /** @throws OutriderError INVALID_ARGUMENT where no token of the vocabulary can go on: it lacks a byte that the grammar needs */
  allowed(): Uint32Array {
    const words = this.#machine.masks.of(this.#state)
    if (words.every((word) => word === 0)) throw deadEnd()
    return words
  }

  /** @throws OutriderError INVALID_ARGUMENT for a token that is not allowed */
  accept(token: number): void {
    const next = this.#after(token)
    if (!next) throw notAllowed(token, this.#compiled.tokenizer)
    this.#state = next
  }

  forced(most: number): readonly number[] {
    const { automaton } = this.#machine
    const bytes: number[] = []
    let state: State | null = this.#ended ? null : this.#state
    while (state && bytes.length < most * bytesAhead) {
      const symbol = automaton.forced(state)
      if (symbol === undefined || symbol > 255) break
      bytes.push(symbol)
      state = automaton.step(state, automaton.classOf[symbol]!)
    }
    return bytes.length === 0 ? [] : spelt(this.#compiled.tokenizer, Uint8Array.from(bytes)).slice(0, most)
  }

  clone(): GrammarConstraint {
    // One that begins again begins with what the others of its time share.
    const machine = this.#state === this.#machine.automaton.start ? this.#compiled.machine() : this.#machine
    const state = machine === this.#machine ? this.#state : machine.automaton.start
    const copy = new GrammarConstraint(this.#compiled, machine, state)
    copy.#ended = this.#ended
    return copy
  }

  #after(token: number): State | undefined {
    const { automaton, symbols } = this.#machine
    if (this.#ended) return undefined
    if (this.#compiled.endTokens.includes(token)) {
      this.#ended = this.#state.complete
      return this.#ended ? this.#state : undefined
    }
    const symbol = symbols.get(token)
    const bytes = symbol === undefined ? this.#bytes(token) : [symbol]
    return bytes.length === 0 ? undefined : (automaton.run(this.#state, bytes) ?? undefined)
  }

  #bytes(token: number): Uint8Array {
    const { tokenizer } = this.#compiled
    return isSpecial(tokenizer, token) ? new Uint8Array() : tokenizer.tokenBytes(token)
  }
}

const specials = new WeakMap<Tokenizer, ReadonlySet<number>>()

function isSpecial(tokenizer: Tokenizer, id: number): boolean {
  const known = specials.get(tokenizer) ?? new Set(tokenizer.specialTokens.values())
  specials.set(tokenizer, known)
  return known.has(id)
}

const notAllowed = (token: number, tokenizer: Tokenizer) =>
  new OutriderError(
    'INVALID_ARGUMENT',
    `Token ${token} (${JSON.stringify(tokenizer.idToToken(token))}) is not allowed here by the constraint.`,
    { remedy: 'Take one that `allowed` has.', details: { token } },
  )

const deadEnd = () =>
  new OutriderError('INVALID_ARGUMENT', 'No token of the vocabulary goes on as the constraint asks.', {
    remedy: 'Use a tokenizer that has every byte, or a constraint whose alternatives are not as many at once.',
  })
