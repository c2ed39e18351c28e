import { OutriderError } from '@outrider/tensor'
import { ByteIds } from './byte-ids'
import { MergeBounds } from './merge-bounds'
import { type Merges, Merging } from './merging'
import { PairTable } from './pair-table'
import { CharacterIds, idOf, type Vocabulary } from './symbols'
import { stepsOfLookup, type TokenModel, type Work } from './token-model'
import { WordCache } from './word-cache'

/** The `model` of a tokenizer.json of this kind. */
export interface BytePairModel {
  vocab: Vocabulary
  /** "a b" or ["a", "b"], the most important first. */
  merges: readonly (string | readonly string[])[]
  unk_token?: string | null
  continuing_subword_prefix?: string | null
  end_of_word_suffix?: string | null
  fuse_unk?: boolean | null
  byte_fallback?: boolean | null
  ignore_merges?: boolean | null
}

/** Characters of a word that is kept with its ids. */
const keptCharacters = 256

const comparisonsAtOnce = 2 ** 16

/**
 * Byte-pair encoding as Hugging Face's tokenizers 0.23 (`models/bpe`) does it, to the same ids: characters that the vocabulary
 * lacks become bytes (`byte_fallback`), or unknown tokens, before anything is merged. A long word costs O(n log n), and is cut
 * first where no merge can cross, so that a text without any cuts (SentencePiece's) is words again.
 */
export class BytePairEncoding implements TokenModel {
  readonly #model: BytePairModel
  readonly #characters: CharacterIds
  readonly #merging: Merging
  readonly #bounds: MergeBounds | undefined
  readonly #cache = new WordCache()
  readonly #prefix: string
  readonly #suffix: string
  readonly #unknown: number
  readonly #bytes: ByteIds | undefined

  /** @throws Error for a merge of what is not in the vocabulary */
  constructor(model: BytePairModel) {
    this.#model = model
    this.#prefix = model.continuing_subword_prefix ?? ''
    this.#suffix = model.end_of_word_suffix ?? ''
    this.#characters = new CharacterIds(model.vocab)
    this.#unknown = model.unk_token == null ? -1 : idOf(model.vocab, model.unk_token)
    if (model.byte_fallback) this.#bytes = new ByteIds(model.vocab)
    const pairs = model.merges.map(pairOf)
    this.#merging = new Merging(mergesOf(model.vocab, pairs, this.#prefix))
    // With marks at the ends of words, a character is not the same symbol everywhere.
    if (!this.#prefix && !this.#suffix) this.#bounds = new MergeBounds(pairs, this.#characters)
  }

  *encode(words: readonly string[], ids: number[], work: Work): Generator<void, void, void> {
    for (const word of words) {
      if (this.#model.ignore_merges) {
        const whole = idOf(this.#model.vocab, word)
        if (whole !== -1) {
          ids.push(whole)
          if (work.did(stepsOfLookup)) yield
          continue
        }
      }
      if (word.length > keptCharacters) yield* this.#long(word, ids, work)
      else if (work.did(this.#short(word, ids))) yield
    }
  }

  *#long(word: string, ids: number[], work: Work): Generator<void, void, void> {
    let from = 0
    while (from < word.length) {
      const to = this.#bounds?.next(word, from) ?? word.length
      if (work.did(4 * (to - from))) yield
      const part = from === 0 && to === word.length ? word : word.slice(from, to)
      if (part.length > keptCharacters) yield* this.#undivided(part, ids, work)
      else if (work.did(this.#short(part, ids))) yield
      from = to
    }
  }

  *#undivided(word: string, ids: number[], work: Work): Generator<void, void, void> {
    // A merging of its own: between its slices other words are encoded.
    const merging = this.#merging.another()
    merging.begin(this.#symbols(word))
    let before = -stepsOfLookup * word.length
    while (!merging.advance(comparisonsAtOnce)) {
      if (work.did(merging.comparisons - before)) yield
      before = merging.comparisons
    }
    work.did(merging.comparisons - before)
    merging.collect(ids)
  }

  /** The steps that it took. */
  #short(word: string, ids: number[]): number {
    const known = this.#cache.get(word)
    if (known) {
      for (const id of known) ids.push(id)
      return stepsOfLookup + known.length
    }
    const before = this.#merging.comparisons
    this.#merging.begin(this.#symbols(word))
    this.#merging.advance()
    const own: number[] = []
    this.#merging.collect(own)
    for (const id of own) ids.push(id)
    this.#cache.set(word, own)
    return stepsOfLookup * word.length + this.#merging.comparisons - before
  }

  /**
   * A word's characters as ids. Unknown ones are held back until a known one comes: bytes come before them, as in the Rust
   * library.
   */
  #symbols(word: string): number[] {
    const symbols: number[] = []
    let unknown = false
    for (let at = 0; at < word.length; ) {
      const codePoint = word.codePointAt(at)!
      const end = at + (codePoint > 0xffff ? 2 : 1)
      const id = this.#characterId(word, codePoint, at, end)
      if (id !== -1) {
        if (unknown) this.#pushUnknown(symbols)
        unknown = false
        symbols.push(id)
      } else if (!this.#pushBytes(this.#marked(word, at, end), symbols)) {
        if (unknown && !this.#model.fuse_unk) this.#pushUnknown(symbols)
        unknown = true
      }
      at = end
    }
    if (unknown) this.#pushUnknown(symbols)
    return symbols
  }

  #characterId(word: string, codePoint: number, at: number, end: number): number {
    const isPlain = (at === 0 || !this.#prefix) && (end < word.length || !this.#suffix)
    return isPlain ? this.#characters.get(codePoint) : idOf(this.#model.vocab, this.#marked(word, at, end))
  }

  #marked(word: string, at: number, end: number): string {
    return `${at > 0 ? this.#prefix : ''}${word.slice(at, end)}${end === word.length ? this.#suffix : ''}`
  }

  #pushBytes(text: string, symbols: number[]): boolean {
    if (!this.#bytes) return false
    const ids = this.#bytes.of(text)
    if (!ids) return false
    for (const id of ids) symbols.push(id)
    return true
  }

  #pushUnknown(symbols: number[]): void {
    const { unk_token } = this.#model
    if (unk_token == null) return
    if (this.#unknown === -1)
      throw new OutriderError('FILE_FORMAT', `model.unk_token ${JSON.stringify(unk_token)} is not in the vocabulary.`)
    symbols.push(this.#unknown)
  }
}

function pairOf(merge: string | readonly string[]): readonly [string, string] {
  const [left, right, ...others] = typeof merge === 'string' ? merge.split(' ') : merge
  if (left && right && others.length === 0) return [left, right]
  throw new Error(`the merge ${JSON.stringify(merge)} is not a pair`)
}

/** @throws Error for a merge that makes no piece of the vocabulary */
function mergesOf(vocabulary: Vocabulary, pairs: readonly (readonly [string, string])[], prefix: string): Merges {
  const ranks = new PairTable(pairs.length)
  const products = new Int32Array(pairs.length)
  for (const [rank, [left, right]] of pairs.entries()) {
    const [a, b] = [idOf(vocabulary, left), idOf(vocabulary, right)]
    // What is in no text is never merged.
    if (a === -1 || b === -1) continue
    const product = left + right.slice(prefix.length)
    products[rank] = idOf(vocabulary, product)
    if (products[rank] === -1)
      throw new Error(`a merge makes ${JSON.stringify(product)}, which is not in its vocabulary`)
    ranks.set(a, b, rank)
  }
  return { ranks, products }
}
