import type { CausalLM, KvCache } from '../model/index'
import type { PretrainedModel } from '../pretrained/index'
import { checkPrompt } from './prompt'
import { PromptReading, type PromptReadingOptions } from './prompt-reading'
import type { Said } from './said'

/**
 * A prompt that a model has read: its keys and values, and the logits of what follows. Read once, any number of sequences of a
 * `ContinuousBatch` go on from it, at other temperatures or seeds. The caller disposes of it; sequences that have joined stay.
 */
export class ReadPrompt {
  readonly #reading: PromptReading

  /**
   * @throws OutriderError INVALID_ARGUMENT, CONTEXT_OVERFLOW for tokens that are no prompt (`promptTokens`); INVALID_ARGUMENT where
   *   hidden states are wanted of a model that does not show them (`decodesOpenly`)
   */
  constructor(
    pretrained: Pick<PretrainedModel<CausalLM>, 'model' | 'config'>,
    tokens: readonly number[],
    options: PromptReadingOptions = {},
  ) {
    checkPrompt(pretrained.config, tokens)
    this.#reading = new PromptReading(pretrained, tokens, options)
    try {
      this.#reading.readAll()
    } catch (error) {
      this.#reading.dispose()
      throw error
    }
  }

  get tokens(): readonly number[] {
    return this.#reading.tokens
  }

  /** Tokens that did not have to be read. */
  get cachedTokens(): number {
    return this.#reading.cachedTokens
  }

  get cache(): KvCache {
    return this.#reading.cache
  }

  /** Of the token that follows. */
  get said(): Said {
    return this.#reading.said
  }

  dispose(): void {
    this.#reading.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}
