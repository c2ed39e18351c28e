/** A model of tokens as tokenizer.json describes it: words (what pre-tokenizers cut) to ids. */
export interface TokenModel {
  /**
   * Appends the ids of words. Yields after every so much work (some milliseconds), so that whoever runs it can let others have
   * their turn.
   */
  encode: (words: readonly string[], ids: number[], work: Work) => Generator<void, void, void>
}

/** Counts the steps of an encoding, in comparisons of two numbers: what else is done is weighed by what it takes beside that. */
export class Work {
  /** All that were counted. */
  steps = 0
  #slice = 0

  /** Counts, and says whether it is time for a pause. */
  did(steps: number): boolean {
    this.steps += steps
    this.#slice += steps
    if (this.#slice < stepsOfSlice) return false
    this.#slice = 0
    return true
  }
}

/** A few milliseconds' worth. */
const stepsOfSlice = 2 ** 18

/** A word looked up, or a symbol read, takes as long as so many comparisons. */
export const stepsOfLookup = 16
