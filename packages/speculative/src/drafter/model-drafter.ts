import { argmax, type Counter, sampleCategorical, samplingDistribution, type Tensor } from '@outrider/tensor'
import { counter, coveredTokens, ofCovered, writeCovered } from '@outrider/tensor/internal'
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
  /** Of a draft that says some ids alone: what it draws from over these, and what it draws. */
  readonly #covered: CoveredRows | undefined
  readonly #options: DraftBlockOptions
  /** By the number of unread tokens. */
  readonly #steps = new RepeatedSteps<DraftStep>()

  constructor(options: DraftBlockOptions) {
    const { model, count, columns } = options
    const { device, covered } = model
    this.#options = options
    this.ids = device.empty([count], 'u32').keep()
    // Columns of ids that are not covered stay 0. A draft with ids beyond V is cut to V like any other.
    this.probabilities = device.zeros([count, columns]).keep()
    if (covered && covered.vocabularySize <= columns)
      this.#covered = {
        ids: covered.ids,
        probabilities: device.empty([count, covered.ids.size]).keep(),
        places: device.empty([count], 'u32').keep(),
      }
  }

  /** Queues the drafting of `count` tokens after those that the model has not read. */
  run(unread: readonly number[], offset: number): void {
    const { model, cache } = this.#options
    if (unread.length > mostUnread) {
      model.device.scope(() => {
        const logits = prefill(model, cache, unread) // [1, V']
        this.#draft(this.#covered ? ofCovered(logits, this.#covered.ids) : logits, counter(offset))
      })
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
    this.#covered?.probabilities.dispose()
    this.#covered?.places.dispose()
  }

  #stepAfter(count: number): DraftStep {
    const { model, cache } = this.#options
    const unread = model.device.empty([1, count], 'u32').keep()
    const step = new RepeatedStep(model, cache, (counter) => {
      this.#draft(this.#forward(unread), counter)
      return {}
    })
    const dispose = () => {
      unread.dispose()
      step.dispose()
    }
    return { unread, step, dispose }
  }

  /** Logits of the token after those that the model has not read, of the covered ids alone where it has such: [1, 1, C or V']. */
  #forward(tokens: Tensor): Tensor {
    const { model, cache } = this.#options
    return model.forward(tokens, { cache, rows: 'last', coveredOnly: this.#covered !== undefined })
  }

  /** Draws from the logits after the unread tokens, and goes on from what was drawn. */
  #draft(first: Tensor, offset: Counter): void {
    const { model, count, columns, sampling } = this.#options
    const { device } = model
    const greedy = sampling.temperature === 0
    const covered = this.#covered
    const { probabilities } = covered ?? this
    const drawnFrom = probabilities.shape[1]!
    let token: Tensor | undefined
    for (let i = 0; i < count; i++) {
      const previous = token
      token = device.scope(() => {
        const logits = previous ? this.#forward(previous.reshape([1, 1])) : first // [1, 1, V'] or [1, V']
        const row = logits.reshape([1, logits.size])
        const drawn = () => {
          if (greedy) return argmax(covered ? row : ofVocabulary(row, columns), { logits: true }) // [1]
          const p = covered ? samplingDistribution(row, sampling) : distributionOver(columns, row, sampling) // [1, C or V]
          device.copy(p, 0, probabilities, i * drawnFrom, drawnFrom)
          return sampleCategorical(p, { seed: sampling.seed, offset: offset.plus(i) }) // [1]
        }
        const place = drawn()
        if (!covered) return place
        device.copy(place, 0, covered.places, i, 1)
        return coveredTokens(place, covered.ids)
      })
      device.copy(token, 0, this.ids, i, 1)
    }
    if (greedy) oneHot(covered?.places ?? this.ids, drawnFrom, probabilities)
    if (covered) writeCovered(probabilities, covered.ids, this.probabilities)
  }
}

/** A block's draft steps after so many unread tokens. */
interface DraftStep {
  /** u32 [1, n], written before each run. */
  unread: Tensor
  step: RepeatedStep<Record<string, Tensor>>
  dispose(): void
}

/** Rows over covered ids. */
interface CoveredRows {
  ids: Tensor // u32 [C]
  probabilities: Tensor // [n, C]
  /** Of what is drawn, among the ids: u32 [n]. */
  places: Tensor
}
