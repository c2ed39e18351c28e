import type { ScoredToken, TextStream, Tokenizer } from '@outrider/transformer'

/** A scored token, and where its text begins in the answer. */
export interface PlacedToken extends ScoredToken {
  offset: number
}

/** A token of a text that is shown with its prompt: of the first, nothing is known. */
export interface EchoedToken extends Omit<PlacedToken, 'logProbability'> {
  logProbability: number | undefined
}

/**
 * Which scores belong to the text that has been given. A token whose text is held back (it may begin a stop text) is held back
 * with it, and what is never given has no scores: stop texts, end tokens.
 */
export class SequenceScores {
  readonly #stream: TextStream
  readonly #held: PlacedToken[] = []
  #length = 0

  /** @param prompt  ids that the answer continues: where its texts begin depends on them */
  constructor(tokenizer: Tokenizer, prompt: readonly number[]) {
    this.#stream = tokenizer.stream({ context: prompt })
  }

  /**
   * @param scored  the next tokens
   * @param given   characters of the answer that have been given, those of these tokens included
   * @returns the tokens that have begun within what has been given, and were not returned before
   */
  push(scored: readonly ScoredToken[], given: number): PlacedToken[] {
    for (const token of scored) {
      this.#held.push({ ...token, offset: this.#length })
      this.#length += this.#stream.push(token.token).length
    }
    const end = this.#held.findIndex(({ offset }) => offset >= given)
    return this.#held.splice(0, end < 0 ? this.#held.length : end)
  }
}
