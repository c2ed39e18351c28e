import type { Tensor } from '@outrider/tensor'
import type { CausalLM, KvCache } from '../model/index'
import type { PretrainedModel } from '../pretrained/index'
import { prefill } from './prefill'
import { checkPrompt } from './prompt'

/**
 * A prompt that a model has read: its keys and values, and the logits of what follows. Read once, any number of sequences of a
 * `ContinuousBatch` go on from it, at other temperatures or seeds. The caller disposes of it; sequences that have joined stay.
 */
export class ReadPrompt {
  readonly tokens: readonly number[]
  readonly cache: KvCache
  /** f32 [1, vocabulary] */
  readonly logits: Tensor

  /** @throws OutriderError INVALID_ARGUMENT, CONTEXT_OVERFLOW for tokens that are no prompt (`promptTokens`) */
  constructor({ model, config }: Pick<PretrainedModel<CausalLM>, 'model' | 'config'>, tokens: readonly number[]) {
    checkPrompt(config, tokens)
    this.tokens = tokens
    this.cache = model.createCache({ capacity: tokens.length, context: config.contextLength })
    try {
      this.logits = prefill(model, this.cache, tokens)
    } catch (error) {
      this.cache.dispose()
      throw error
    }
  }

  dispose(): void {
    this.logits.dispose()
    this.cache.dispose()
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}
