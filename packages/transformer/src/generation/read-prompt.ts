import type { CausalLM, KvCache } from '../model/index'
import type { PretrainedModel } from '../pretrained/index'
import { prefilled } from './prefill'
import { checkPrompt } from './prompt'
import { dispose, type Said } from './said'

/**
 * A prompt that a model has read: its keys and values, and the logits of what follows. Read once, any number of sequences of a
 * `ContinuousBatch` go on from it, at other temperatures or seeds. The caller disposes of it; sequences that have joined stay.
 */
export class ReadPrompt {
  readonly tokens: readonly number[]
  readonly cache: KvCache
  /** Of the token that follows. */
  readonly said: Said

  /**
   * @param options.hiddenStates  with the hidden states that the first token is said from; default false
   * @throws OutriderError INVALID_ARGUMENT, CONTEXT_OVERFLOW for tokens that are no prompt (`promptTokens`); INVALID_ARGUMENT where
   *   hidden states are wanted of a model that does not show them (`decodesOpenly`)
   */
  constructor(
    { model, config }: Pick<PretrainedModel<CausalLM>, 'model' | 'config'>,
    tokens: readonly number[],
    { hiddenStates = false }: { hiddenStates?: boolean | undefined } = {},
  ) {
    checkPrompt(config, tokens)
    this.tokens = tokens
    this.cache = model.createCache({ capacity: tokens.length, context: config.contextLength })
    try {
      this.said = prefilled(model, this.cache, tokens, hiddenStates)
    } catch (error) {
      this.cache.dispose()
      throw error
    }
  }

  dispose(): void {
    dispose(this.said)
    this.cache.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}
