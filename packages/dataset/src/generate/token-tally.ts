/** Tokens alone are told of so often at most. */
const leastMilliseconds = 100

/** What a run has read and generated, told of at once where it is asked for, and now and then as tokens come. */
export class TokenTally {
  tokens = 0
  promptTokens = 0
  readonly #began = performance.now()
  readonly #tell: (tally: { tokens: number; promptTokens: number; seconds: number }) => void
  #told = Number.NEGATIVE_INFINITY

  constructor(tell: (tally: { tokens: number; promptTokens: number; seconds: number }) => void) {
    this.#tell = tell
  }

  tell(): void {
    this.#told = performance.now()
    const { tokens, promptTokens } = this
    this.#tell({ tokens, promptTokens, seconds: (this.#told - this.#began) / 1000 })
  }

  /** Adds tokens: `onTokens` of `answerEach`. */
  readonly add = ({ read, generated }: { read: number; generated: number }): void => {
    this.promptTokens += read
    this.tokens += generated
    if (performance.now() - this.#told >= leastMilliseconds) this.tell()
  }
}
