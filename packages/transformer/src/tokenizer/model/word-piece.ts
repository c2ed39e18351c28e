import { idOf, type Vocabulary } from './symbols'
import { stepsOfLookup, type TokenModel, type Work } from './token-model'
import { Trie } from './trie'

/** The `model` of a tokenizer.json of this kind. */
export interface WordPieceModel {
  vocab: Vocabulary
  unk_token: string
  continuing_subword_prefix?: string
  max_input_chars_per_word?: number
}

/**
 * WordPiece (BERT's): the longest piece that a word begins with, again and again; a word that pieces do not make up is unknown
 * as a whole. Found in a trie, a word costs its length times that of the longest piece.
 */
export class WordPiece implements TokenModel {
  readonly #trie: Trie
  /** Where pieces within a word begin. */
  readonly #within: number
  readonly #longest: number
  readonly #unknown: number

  /** @throws Error without its unknown token */
  constructor(model: WordPieceModel) {
    this.#trie = new Trie(Object.entries(model.vocab))
    this.#within = this.#trie.walk(model.continuing_subword_prefix ?? '##')
    this.#longest = model.max_input_chars_per_word ?? 100
    this.#unknown = idOf(model.vocab, model.unk_token)
    if (this.#unknown === -1)
      throw new Error(`model.unk_token ${JSON.stringify(model.unk_token)} is not in the vocabulary`)
  }

  *encode(words: readonly string[], ids: number[], work: Work): Generator<void, void, void> {
    for (const word of words) if (work.did(this.#word(word, ids))) yield
  }

  /** The steps that it took. */
  #word(word: string, ids: number[]): number {
    const before = ids.length
    let steps = stepsOfLookup
    let at = hasMoreThan(this.#longest, word) ? -1 : 0
    while (at !== -1 && at < word.length) {
      const [id, end, looked] = this.#longestAt(word, at)
      steps += looked
      ids.push(id)
      at = end
    }
    if (at === -1) {
      ids.length = before
      ids.push(this.#unknown)
    }
    return steps
  }

  /** The longest piece at a place and where it ends, both −1 if there is none; and the steps that it took. */
  #longestAt(word: string, at: number): readonly [id: number, end: number, steps: number] {
    const trie = this.#trie
    let [id, end] = [-1, -1]
    let to = at
    for (let node = at === 0 ? Trie.root : this.#within; node !== -1 && to < word.length; ) {
      node = trie.step(node, word.charCodeAt(to++))
      if (node === -1 || trie.idAt(node) === -1) continue
      id = trie.idAt(node)
      end = to
    }
    return [id, end, stepsOfLookup * (to - at)]
  }
}

const hasMoreThan = (most: number, word: string) => word.length > most && Array.from(word).length > most
