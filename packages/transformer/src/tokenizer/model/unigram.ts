import { OutriderError } from '@outrider/tensor'
import { ByteIds } from './byte-ids'
import { isEndOfPair } from './code-points'
import { stepsOfLookup, type TokenModel, type Work } from './token-model'
import { Trie } from './trie'

/** The `model` of a tokenizer.json of this kind. */
export interface UnigramModel {
  /** Pieces with their log-probabilities; a piece's place is its id. */
  vocab: readonly (readonly [piece: string, score: number])[]
  unk_id?: number | null
  byte_fallback?: boolean | null
}

/** What an unknown character costs below the worst piece. */
const unknownPenalty = 10

/**
 * The unigram model (Kudo 2018, arXiv:1804.10959): of all ways to write a word in pieces the one with the greatest sum of
 * log-probabilities (Viterbi), as Hugging Face's tokenizers 0.23 finds it. A word costs its length times that of the longest
 * piece; unknown characters in a row are one unknown token, or bytes.
 */
export class Unigram implements TokenModel {
  readonly #trie: Trie
  readonly #scores: Float64Array
  readonly #unknown: number
  readonly #unknownScore: number
  readonly #bytes: ByteIds | undefined

  /** @throws Error for an unk_id that is none */
  constructor({ vocab, unk_id, byte_fallback }: UnigramModel) {
    const ids = new Map(vocab.map(([piece], id) => [piece, id]))
    this.#trie = new Trie(ids)
    this.#scores = Float64Array.from(vocab, ([, score]) => score)
    this.#unknown = unk_id ?? -1
    if (this.#unknown !== -1 && vocab[this.#unknown] === undefined)
      throw new Error(`model.unk_id ${unk_id} is no id of its vocabulary`)
    this.#unknownScore =
      this.#scores.reduce((least, score) => Math.min(least, score), Number.POSITIVE_INFINITY) - unknownPenalty
    if (byte_fallback) this.#bytes = new ByteIds(Object.fromEntries(ids))
  }

  *encode(words: readonly string[], ids: number[], work: Work): Generator<void, void, void> {
    for (const word of words) {
      const best = new BestPaths(word.length)
      for (let at = 0; at < word.length; at++) {
        if (isEndOfPair(word, at)) continue
        if (work.did(this.#extend(word, at, best))) yield
      }
      this.#collect(word, best, ids)
    }
  }

  /** Tries all pieces at a place; the steps that it took. */
  #extend(word: string, at: number, best: BestPaths): number {
    const trie = this.#trie
    const single = at + (word.codePointAt(at)! > 0xffff ? 2 : 1)
    const before = best.scores[at]!
    let hasSingle = false
    let to = at
    for (let node = Trie.root; to < word.length; ) {
      node = trie.step(node, word.charCodeAt(to++))
      if (node === -1) break
      const id = trie.idAt(node)
      if (id === -1) continue
      best.offer(to, before + this.#scores[id]!, id, at)
      hasSingle ||= to === single
    }
    if (!hasSingle) best.offer(single, before + this.#unknownScore, this.#known(), at)
    return stepsOfLookup * (to - at)
  }

  #collect(word: string, { ids: last, starts }: BestPaths, ids: number[]): void {
    // From the end back to the beginning: where pieces end, unknown ones in a row as one.
    const ends: number[] = []
    for (let end = word.length; end > 0; end = starts[end]!)
      if (ends.length === 0 || last[end] !== this.#unknown || last[ends.at(-1)!] !== this.#unknown) ends.push(end)
    let from = 0
    for (const end of ends.reverse()) {
      if (last[end] === this.#unknown) this.#pushUnknown(word.slice(from, end), ids)
      else ids.push(last[end]!)
      from = end
    }
  }

  #pushUnknown(text: string, ids: number[]): void {
    const node = this.#trie.walk(text)
    const whole = node === -1 ? -1 : this.#trie.idAt(node)
    for (const id of whole === -1 ? (this.#bytes?.of(text) ?? [this.#unknown]) : [whole]) ids.push(id)
  }

  #known(): number {
    if (this.#unknown !== -1) return this.#unknown
    throw new OutriderError('FILE_FORMAT', 'A character is not in the vocabulary, and the model has no unk_id.')
  }
}

/** The best way to each place of a word: its score, its last piece and where that begins. */
class BestPaths {
  readonly scores: Float64Array
  readonly ids: Int32Array
  readonly starts: Int32Array

  constructor(length: number) {
    this.scores = new Float64Array(length + 1)
    this.ids = new Int32Array(length + 1)
    this.starts = new Int32Array(length + 1).fill(-1)
  }

  offer(end: number, score: number, id: number, start: number): void {
    if (this.starts[end] !== -1 && score <= this.scores[end]!) return
    this.scores[end] = score
    this.ids[end] = id
    this.starts[end] = start
  }
}
