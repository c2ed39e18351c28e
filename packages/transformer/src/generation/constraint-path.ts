import { isAllowed, type TokenConstraint } from './constraint'

export interface ConstraintPathOptions {
  /** Where it begins; left as it is. */
  constraint: TokenConstraint
  /** What is allowed there. */
  allowed: Uint32Array<ArrayBuffer>
  endTokens: readonly number[]
  /** What a constraint allows, for every id of the model. */
  wordsOf: (constraint: TokenConstraint) => Uint32Array<ArrayBuffer>
}

/** What a constraint allows along drafted tokens. A draft may be gone along again and again, and further: each place is worked out once. */
export class ConstraintPath {
  readonly #options: ConstraintPathOptions
  #walker: TokenConstraint | undefined
  readonly #tokens: number[] = []
  /** Before each of the tokens, and behind the last. */
  readonly #masks: Uint32Array<ArrayBuffer>[]

  constructor(options: ConstraintPathOptions) {
    this.#options = options
    this.#masks = [options.allowed]
  }

  /** What is allowed behind the first `count` of some tokens; undefined where one of them is not allowed, or ends the text. */
  behind(tokens: ArrayLike<number>, count: number): Uint32Array<ArrayBuffer> | undefined {
    const { constraint, endTokens, wordsOf } = this.#options
    const common = Math.min(count, this.#tokens.length)
    for (let i = 0; i < common; i++) if (tokens[i] !== this.#tokens[i]) this.#restart()
    while (this.#tokens.length < count) {
      const token = tokens[this.#tokens.length]!
      if (!isAllowed(this.#masks.at(-1)!, token) || endTokens.includes(token)) return undefined
      this.#walker ??= constraint.clone()
      this.#walker.accept(token)
      this.#tokens.push(token)
      this.#masks.push(wordsOf(this.#walker))
    }
    return this.#masks[count]
  }

  #restart(): void {
    this.#walker = undefined
    this.#tokens.length = 0
    this.#masks.length = 1
  }
}
