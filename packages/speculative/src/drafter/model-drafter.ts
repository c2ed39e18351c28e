import { argmax, type Counter, sampleCategorical, type Tensor } from '@outrider/tensor'
import { counter } from '@outrider/tensor/internal'
import { type CausalLM, type KvCache, prefill, RepeatedStep, RepeatedSteps, type Sampling } from '@outrider/transformer'
import { maxDraftLength } from '../draft-length/policy'
import type { Drafter, DraftRequest, DraftSession, DrawnDraft, Offer, SessionOptions } from './drafter'
import { distributionOver, ofVocabulary, oneHot } from './probability-rows'

/** Drafts with a small model: one step a token, its ids never leaving the device within a block. */
export function modelDrafter(model: CausalLM, { name = 'model' }: { name?: string } = {}): Drafter {
  const { parameterCount } = model
  return { name, parameterCount, open: (options) => new ModelDraftSession(model, options) }
}

class ModelDraftSession implements DraftSession {
  readonly #model: CausalLM
  readonly #cache: KvCache
  readonly #vocabularySize: number
  readonly #blocks = new RepeatedSteps<DraftBlock>()

  constructor(model: CausalLM, { capacity, vocabularySize }: SessionOptions) {
    this.#model = model
    this.#vocabularySize = vocabularySize
    const context = model.config.contextLength
    this.#cache = model.createCache({ capacity: Math.min(capacity, context), context })
  }

  offers(tokens: readonly number[], limit: number): Offer[] {
    const length = Math.min(limit, this.#room(tokens))
    return length < 1 ? [] : [{ source: 'model', kind: '', length, unread: tokens.length - this.#cache.lengths[0]! }]
  }

  draft({ tokens, draftLength, sampling, offset }: DraftRequest): DrawnDraft | null {
    const count = Math.min(draftLength, this.#room(tokens))
    if (count < 1) return null
    const block = this.#blocks.of(
      `${count}`,
      () => new DraftBlock({ model: this.#model, cache: this.#cache, count, columns: this.#vocabularySize, sampling }),
    )
    // What it has not read: the last token, and those that plain steps or a fully accepted draft left out.
    block.run(tokens.slice(this.#cache.lengths[0]!), offset)
    return { tokens: block.ids, probabilities: block.probabilities, lasting: true }
  }

  keep(length: number): void {
    this.#cache.truncate(Math.min(length, this.#cache.lengths[0]!))
  }

  dispose(): void {
    this.#blocks.dispose()
    this.#cache.dispose()
  }

  /** The last drafted token is never read, so n drafts take n − 1 places after the sequence. */
  #room(tokens: readonly number[]): number {
    return this.#cache.capacity - tokens.length + 1
  }
}

/**
 * Up to so many unread tokens the first step of a block is recorded with the rest: what one block leaves that others drafted. More
 * are a prompt, read once.
 */
const mostUnread = maxDraftLength + 1

interface DraftBlockOptions {
  model: CausalLM
  cache: KvCache
  /** Tokens to draft. */
  count: number
  /** V, columns of p. */
  columns: number
  sampling: Sampling
}

/** Drafts of one length: where they go, and the steps that write them. */
class DraftBlock {
  readonly ids: Tensor // u32 [n]
  readonly probabilities: Tensor // [n, V]
  readonly #options: DraftBlockOptions
  /** By the number of unread tokens. */
  readonly #steps = new RepeatedSteps<DraftStep>()

  constructor(options: DraftBlockOptions) {
    const { model, count, columns } = options
    this.#options = options
    this.ids = model.device.empty([count], 'u32').keep()
    this.probabilities = model.device.empty([count, columns]).keep()
  }

  /** Queues the drafting of `count` tokens after those that the model has not read. */
  run(unread: readonly number[], offset: number): void {
    const { model, cache } = this.#options
    if (unread.length > mostUnread) {
      model.device.scope(() => this.#draft(prefill(model, cache, unread), counter(offset)))
      return
    }
    const known = this.#steps.of(`${unread.length}`, () => this.#stepAfter(unread.length))
    known.unread.write(Uint32Array.from(unread))
    known.step.run(offset)
  }

  dispose(): void {
    this.#steps.dispose()
    this.ids.dispose()
    this.probabilities.dispose()
  }

  #stepAfter(count: number): DraftStep {
    const { model, cache } = this.#options
    const unread = model.device.empty([1, count], 'u32').keep()
    const step = new RepeatedStep(model, cache, (counter) => {
      this.#draft(model.forward(unread, { cache, rows: 'last' }), counter)
      return {}
    })
    const dispose = () => {
      unread.dispose()
      step.dispose()
    }
    return { unread, step, dispose }
  }

  /** Draws from the logits after the unread tokens, and goes on from what was drawn. */
  #draft(first: Tensor, offset: Counter): void {
    const { model, cache, count, columns, sampling } = this.#options
    const { device } = model
    const greedy = sampling.temperature === 0
    let token: Tensor | undefined
    for (let i = 0; i < count; i++) {
      const previous = token
      token = device.scope(() => {
        const logits = previous ? model.forward(previous.reshape([1, 1]), { cache }) : first // [1, 1, V'] or [1, V']
        const rows = logits.reshape([1, logits.size])
        if (greedy) return argmax(ofVocabulary(rows, columns), { logits: true }) // [1]
        const p = distributionOver(columns, rows, sampling) // [1, V]
        device.copy(p, 0, this.probabilities, i * columns, columns)
        return sampleCategorical(p, { seed: sampling.seed, offset: offset.plus(i) }) // [1]
      })
      device.copy(token, 0, this.ids, i, 1)
    }
    if (greedy) oneHot(this.ids, columns, this.probabilities)
  }
}

/** A block's draft steps after so many unread tokens. */
interface DraftStep {
  /** u32 [1, n], written before each run. */
  unread: Tensor
  step: RepeatedStep<Record<string, Tensor>>
  dispose(): void
}
