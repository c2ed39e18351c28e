import { OutriderError } from '@outrider/tensor'
import type { TextStream, Tokenizer } from '../tokenizer/index'
import { StopMatcher } from './stop-matcher'

/** Why an answer ended: an end token or a stop text ('stop'), or no more tokens were allowed ('length'). */
export type FinishReason = 'stop' | 'length'

export interface AnswerOptions {
  /** The ids that it continues: what its first tokens add to a text depends on them (a space is kept). */
  prompt: readonly number[]
  /** Tokens that end the answer. */
  eosTokenIds: readonly number[]
  /** Texts that end the answer. Default none. */
  stop?: readonly string[] | undefined
  /** The most tokens it may have. */
  maxTokens: number
}

/** Text that has become certain, and the token that it comes from, by its place in the answer. */
export interface TokenText {
  index: number
  text: string
}

/**
 * An answer as it grows, token by token: decides when it ends, and what text of it is certain. Any way of decoding feeds
 * it; speculative decoding pushes the tokens of a block until it is finished and drops the rest. Its text is what its tokens
 * add to the prompt's text: joined, both are what the model read and wrote.
 */
export class Answer {
  /** All tokens so far. An end token is the last of them; its text is not in `text`. */
  readonly tokens: number[] = []
  #text = ''
  #finishReason: FinishReason | undefined
  /** What the matcher holds back, by the token it comes from. */
  #held: TokenText[] = []
  readonly #stream: TextStream
  readonly #matcher: StopMatcher
  readonly #endTokens: ReadonlySet<number>
  readonly #maxTokens: number

  constructor(tokenizer: Tokenizer, { prompt, eosTokenIds, stop = [], maxTokens }: AnswerOptions) {
    if (!Number.isSafeInteger(maxTokens) || maxTokens < 1)
      throw new OutriderError('INVALID_ARGUMENT', `maxTokens is ${maxTokens}; it must be a positive whole number.`)
    this.#stream = tokenizer.stream({ context: prompt })
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
    return this.pushByToken(token)
      .map(({ text }) => text)
      .join('')
  }

  /**
   * Takes the next token; gives the text that has become certain with it by the tokens that it comes from: what was held
   * back as a possible stop text belongs to those that brought it. A character of several tokens belongs to the last.
   */
  pushByToken(token: number): TokenText[] {
    if (this.#finishReason) return []
    const index = this.tokens.push(token) - 1
    const certain: string[] = []
    const feed = (text: string) => {
      this.#held.push({ index, text })
      certain.push(this.#matcher.push(text))
    }
    const isEnd = this.#endTokens.has(token)
    feed(isEnd ? this.#stream.end() : this.#stream.push(token))
    if (isEnd || this.#matcher.stopped) this.#finishReason = 'stop'
    else if (this.tokens.length >= this.#maxTokens) {
      feed(this.#stream.end())
      this.#finishReason = this.#matcher.stopped ? 'stop' : 'length'
    }
    if (this.#finishReason) certain.push(this.#matcher.end())
    const text = certain.join('')
    this.#text += text
    return this.#release(text.length)
  }

  /** Takes the first `length` characters off what is held. */
  #release(length: number): TokenText[] {
    const released: TokenText[] = []
    while (length > 0) {
      const { index, text } = this.#held[0]!
      released.push({ index, text: text.slice(0, length) })
      if (text.length > length) this.#held[0] = { index, text: text.slice(length) }
      else this.#held.shift()
      length -= Math.min(length, text.length)
    }
    return released.filter(({ text }) => text !== '')
  }
}
