import { argmax, sampleCategorical, type Tensor } from '@outrider/tensor'
import { type CausalLM, type KvCache, prefill } from '@outrider/transformer'
import type { Draft, Drafter, DraftRequest, DraftSession, SessionOptions } from './drafter'
import { distributionOver, ofVocabulary, oneHot } from './probability-rows'

/** Drafts with a small model: one step a token, its ids never leaving the device within a block. */
export function modelDrafter(
  model: CausalLM,
  { name = 'model', parameterCount }: { name?: string; parameterCount: number },
): Drafter {
  return { name, parameterCount, open: (options) => new ModelDraftSession(model, options) }
}

class ModelDraftSession implements DraftSession {
  readonly #model: CausalLM
  readonly #cache: KvCache
  readonly #vocabularySize: number

  constructor(model: CausalLM, { capacity, vocabularySize }: SessionOptions) {
    this.#model = model
    this.#vocabularySize = vocabularySize
    this.#cache = model.createCache({ capacity: Math.min(capacity, model.config.contextLength) })
  }

  draft({ tokens, draftLength, sampling, offset }: DraftRequest): Draft | null {
    const { device } = this.#model
    // The last drafted token is never read, so n drafts take n − 1 places after the sequence.
    const count = Math.min(draftLength, this.#cache.capacity - tokens.length + 1)
    if (count < 1) return null
    const greedy = sampling.temperature === 0
    const probabilities = greedy ? null : device.empty([count, this.#vocabularySize])
    const ids = device.empty([count], 'u32')
    // What it has not read: the last token, and those that plain steps or a fully accepted draft left out.
    const unread = tokens.slice(this.#cache.lengths[0]!)
    let token: Tensor | undefined
    for (let i = 0; i < count; i++) {
      const previous = token
      const drawn = device.scope(() => {
        const logits = previous
          ? this.#model.forward(previous.reshape([1, 1]), { cache: this.#cache }) // [1, 1, V']
          : prefill(this.#model, this.#cache, [unread]) // [1, V']
        if (!probabilities) return argmax(ofVocabulary(logits.reshape([1, logits.size]), this.#vocabularySize)) // [1]
        const p = distributionOver(this.#vocabularySize, logits.reshape([1, logits.size]), sampling) // [1, V]
        device.copy(p, 0, probabilities, i * this.#vocabularySize, this.#vocabularySize)
        return sampleCategorical(p, { seed: sampling.seed, offset: offset + i }) // [1]
      })
      device.copy(drawn, 0, ids, i, 1)
      token = drawn
    }
    return { tokens: ids, probabilities: probabilities ?? oneHot(ids, this.#vocabularySize) }
  }

  keep(length: number): void {
    this.#cache.truncate(Math.min(length, this.#cache.lengths[0]!))
  }

  dispose(): void {
    this.#cache.dispose()
  }
}
