import { OutriderError } from '@outrider/tensor'
import type { Tokenizer } from '@outrider/transformer'
import { answerFile, readAnswerFile } from './answer-file'
import type { Continuation } from './lookup-session'
import { longestMatch, noText, TokenIndex } from './token-index'

/** The tokenizer whose tokens are kept. */
export type Vocabulary = Pick<Tokenizer, 'vocabularySize' | 'fingerprint'>

export interface AnswerTableOptions {
  /** Tokens that are kept, the newest; each takes 16 bytes of memory and 4 of the file. Default 262,144. */
  capacity?: number
}

/** Places that are looked at for one token, the newest: enough to tell what mostly follows. */
const placesCounted = 256

/** What is accepted less often is not worth a row of verification anywhere. */
const leastAcceptance = 0.1

/** In fifths. */
const acceptanceClass = (acceptance: number) => `${Math.floor(acceptance * 5) / 5}`

/**
 * What a target has answered: after the last tokens of a text, the tokens that followed them most often (He et al. 2023, REST).
 * Memory is bounded: of more answers than it holds, the oldest are forgotten. The same answers in the same order give the same table.
 */
export class AnswerTable {
  /** The file of a table in the folder of a draft. */
  static readonly usualFile = 'answers.bin'
  /** Tokens that are kept where nothing else is asked for. */
  static readonly usualCapacity = 2 ** 18
  readonly vocabulary: Vocabulary
  readonly capacity: number
  readonly #index: TokenIndex
  #largestId = -1

  constructor(vocabulary: Vocabulary, { capacity = AnswerTable.usualCapacity }: AnswerTableOptions = {}) {
    this.vocabulary = vocabulary
    this.capacity = capacity
    this.#index = new TokenIndex(1, capacity)
  }

  /**
   * Adds the tokens of an answer: found from then on, in sessions that are open, too.
   *
   * @throws OutriderError INVALID_ARGUMENT for a token that is not in the vocabulary
   */
  add(tokens: Iterable<number>): void {
    const ids = [...tokens]
    const { vocabularySize } = this.vocabulary
    const unknown = ids.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocabularySize))
    if (unknown !== undefined)
      throw new OutriderError('INVALID_ARGUMENT', `${unknown} is no token of a vocabulary of ${vocabularySize}.`, {
        remedy: 'Add answers in the tokens of the tokenizer that the table was made with.',
      })
    for (const id of [...ids, noText]) this.#push(id)
  }

  /** The largest id that was added; −1 before the first. */
  get largestId(): number {
    return this.#largestId
  }

  /** Tokens that are kept, with one after each answer. */
  get size(): number {
    return this.#index.length - this.#index.begin
  }

  /** The table as a file: it says whose tokens these are, and is checked when it is read. */
  toBytes(): Uint8Array<ArrayBuffer> {
    const { begin, length } = this.#index
    return answerFile(
      this.vocabulary,
      Array.from({ length: length - begin }, (_, i) => this.#index.at(begin + i)),
    )
  }

  /**
   * A table of what `toBytes` gave: the same answers in the same order, as many of the newest as there is room for.
   *
   * @param options.where  the file's name, for errors
   * @throws OutriderError FILE_FORMAT where the bytes are no such file, were cut or changed, or are of a later version;
   *   VOCABULARY_MISMATCH where they are of another tokenizer
   */
  static fromBytes(
    bytes: Uint8Array,
    vocabulary: Vocabulary,
    { where = 'The table of answers', ...options }: AnswerTableOptions & { where?: string } = {},
  ): AnswerTable {
    const ids = readAnswerFile(bytes, vocabulary, where)
    const table = new AnswerTable(vocabulary, options)
    for (const id of ids) table.#push(id)
    return table
  }

  /** Up to `limit` tokens, each the one that mostly follows the longest match with those before it; null where there is none. */
  after(tokens: readonly number[], limit: number): Continuation | null {
    const context = tokens.slice(-longestMatch)
    const ids: number[] = []
    const acceptance: number[] = []
    while (ids.length < limit) {
      const likely = this.#likeliest(context)
      if (!likely || likely.acceptance < leastAcceptance) break
      ids.push(likely.id)
      acceptance.push(likely.acceptance)
      context.push(likely.id)
    }
    return ids.length > 0 ? { ids, kind: acceptanceClass(acceptance[0]!), acceptance } : null
  }

  #push(id: number): void {
    if (id !== noText) this.#largestId = Math.max(this.#largestId, id)
    this.#index.add(id)
  }

  /** What follows the longest match most often among its newest places; of equals the newest. */
  #likeliest(context: readonly number[]): { id: number; acceptance: number } | null {
    let match = 0
    let counts = new Map<number, number>()
    let counted = 0
    let places = 0
    for (const { next, length } of this.#index.matches(context)) {
      if (places++ === placesCounted) break
      if (length < match) continue
      if (length > match) {
        counts = new Map()
        counted = 0
      }
      match = length
      counted++
      const id = this.#index.at(next)
      counts.set(id, (counts.get(id) ?? 0) + 1)
    }
    let best: [number, number] | undefined
    for (const count of counts) if (count[1] > (best?.[1] ?? 0)) best = count
    // Few counts say little, the less the shorter the match.
    return best ? { id: best[0], acceptance: best[1] / (counted + 6 / match) } : null
  }
}
