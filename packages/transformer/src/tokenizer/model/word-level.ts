import { OutriderError } from '@outrider/tensor'
import { idOf, type Vocabulary } from './symbols'
import { stepsOfLookup, type TokenModel, type Work } from './token-model'

/** The `model` of a tokenizer.json of this kind. */
export interface WordLevelModel {
  vocab: Vocabulary
  unk_token?: string
}

/** Whole words, and one piece for all that are not known. */
export class WordLevel implements TokenModel {
  readonly #vocabulary: Vocabulary
  readonly #unknown: number

  constructor({ vocab, unk_token }: WordLevelModel) {
    this.#vocabulary = vocab
    this.#unknown = unk_token === undefined ? -1 : idOf(vocab, unk_token)
  }

  /** @throws OutriderError FILE_FORMAT for a word that is not known, where the vocabulary has no piece for such */
  *encode(words: readonly string[], ids: number[], work: Work): Generator<void, void, void> {
    for (const word of words) {
      const known = idOf(this.#vocabulary, word)
      const id = known === -1 ? this.#unknown : known
      if (id === -1)
        throw new OutriderError('FILE_FORMAT', 'A word is not in the vocabulary, and model.unk_token is not either.')
      ids.push(id)
      if (work.did(stepsOfLookup)) yield
    }
  }
}
