import { OutriderError } from '@outrider/tensor'
import type { TextStream, Tokenizer } from '../tokenizer/index'
import { StopMatcher } from './stop-matcher'

/** Why an answer ended: an end token or a stop text ('stop'), or no more tokens were allowed ('length'). */
export type FinishReason = 'stop' | 'length'

export interface AnswerOptions {
  /** Tokens that end the answer. */
  eosTokenIds: readonly number[]
  /** Texts that end the answer. Default none. */
  stop?: readonly string[] | undefined
  /** The most tokens it may have. */
  maxTokens: number
}

/**
 * An answer as it grows, token by token: decides when it ends, and what text of it is certain. Any way of decoding feeds
 * it; speculative decoding pushes the tokens of a block until it is finished and drops the rest.
 */
export class Answer {
  /** All tokens so far. An end token is the last of them; its text is not in `text`. */
  readonly tokens: number[] = []
  #text = ''
  #finishReason: FinishReason | undefined
  readonly #stream: TextStream
  readonly #matcher: StopMatcher
  readonly #endTokens: ReadonlySet<number>
  readonly #maxTokens: number

  constructor(tokenizer: Tokenizer, { eosTokenIds, stop = [], maxTokens }: AnswerOptions) {
    if (!Number.isSafeInteger(maxTokens) || maxTokens < 1)
      throw new OutriderError('INVALID_ARGUMENT', `maxTokens is ${maxTokens}; it must be a positive whole number.`)
    this.#stream = tokenizer.stream()
    this.#matcher = new StopMatcher(stop)
    this.#endTokens = new Set(eosTokenIds)
    this.#maxTokens = maxTokens
  }

  /** The text that is certain, without stop text. When the answer is finished: all of it. */
  get text(): string {
    return this.#text
  }

  /** Set when the answer is finished; it takes no more tokens then. */
  get finishReason(): FinishReason | undefined {
    return this.#finishReason
  }

  /** How many more tokens it may take. */
  get room(): number {
    return this.#finishReason ? 0 : this.#maxTokens - this.tokens.length
  }

  /** Takes the next token; gives the text that has become certain with it. */
  push(token: number): string {
    if (this.#finishReason) return ''
    this.tokens.push(token)
    const isEnd = this.#endTokens.has(token)
    let text = this.#matcher.push(isEnd ? this.#stream.end() : this.#stream.push(token))
    if (isEnd || this.#matcher.stopped) this.#finishReason = 'stop'
    else if (this.tokens.length >= this.#maxTokens) {
      text += this.#matcher.push(this.#stream.end())
      this.#finishReason = this.#matcher.stopped ? 'stop' : 'length'
    }
    if (this.#finishReason) text += this.#matcher.end()
    this.#text += text
    return text
  }
}
