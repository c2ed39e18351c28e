import { OutriderError } from '@outrider/tensor'
import type { CausalLM, KvCache } from '../model/index'
import type { PretrainedModel } from '../pretrained/index'
import { endOfPiece, prefillPositions } from './prefill'
import type { Prefixes } from './prefix-cache'
import { dispose, type Said, say } from './said'

export interface PromptReadingOptions {
  /** With the hidden states that the first token is said from; default false. */
  hiddenStates?: boolean | undefined
  /** Gives what is kept of the prompt's beginning when the reading begins, and keeps what has been read. */
  prefixes?: Prefixes | undefined
}

/** A prompt that is being read, piece by piece, to the bits that it has when it is read at once (`ReadPrompt`). */
export class PromptReading {
  readonly tokens: readonly number[]
  readonly cache: KvCache
  readonly #model: CausalLM
  readonly #hiddenStates: boolean
  readonly #prefixes: Prefixes | undefined
  #cached: number | undefined
  #said: Said | undefined

  constructor(
    { model, config }: Pick<PretrainedModel<CausalLM>, 'model' | 'config'>,
    tokens: readonly number[],
    { hiddenStates = false, prefixes }: PromptReadingOptions = {},
  ) {
    this.tokens = tokens
    this.#model = model
    this.#hiddenStates = hiddenStates
    this.#prefixes = prefixes
    this.cache = model.createCache({ capacity: tokens.length, context: config.contextLength })
  }

  /** Tokens that have been read, or were given. */
  get position(): number {
    return this.cache.lengths[0]!
  }

  /** Tokens that were given, and not read: 0 before the first pass. */
  get cachedTokens(): number {
    return this.#cached ?? 0
  }

  get isRead(): boolean {
    return this.#said !== undefined
  }

  /** Of the token that follows the prompt, which has been read. */
  get said(): Said {
    if (this.#said) return this.#said
    throw new OutriderError('INVALID_ARGUMENT', `Of ${this.tokens.length} tokens ${this.position} have been read.`)
  }

  /** Queues a pass over about so many rows, and returns over how many. */
  read(most: number): number {
    const { tokens } = this
    if (this.isRead) return 0
    // Not before its turn: those that were read meanwhile may begin as this does.
    this.#cached ??= this.#prefixes?.restore(this.#model, this.cache, tokens) ?? 0
    const { position } = this
    const end = endOfPiece(position, tokens.length, most)
    const { device } = this.#model
    using rows = device.tensor(Uint32Array.from(tokens.slice(position, end)), { shape: [1, end - position] })
    const isLast = end === tokens.length
    const said = say(this.#model, rows, { cache: this.cache }, isLast && this.#hiddenStates)
    if (isLast) {
      this.#said = said
      this.#prefixes?.keep(this.#model, this.cache, tokens)
    } else {
      dispose(said)
      device.flush()
    }
    return end - position
  }

  /** Queues passes over all that is left. */
  readAll(): void {
    while (!this.isRead) this.read(prefillPositions)
  }

  dispose(): void {
    if (this.#said) dispose(this.#said)
    this.#said = undefined
    this.cache.dispose()
  }
}
