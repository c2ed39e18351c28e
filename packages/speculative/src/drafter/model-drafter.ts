import { argmax, type Counter, sampleCategorical, type Tensor } from '@outrider/tensor'
import { counter } from '@outrider/tensor/internal'
import { type CausalLM, type KvCache, prefill, RepeatedStep, RepeatedSteps, type Sampling } from '@outrider/transformer'
import { advanceDraft, checkedStop, type DraftProgress, type DraftStop } from './draft-stop'
import type { Draft, Drafter, DraftRequest, DraftSession, SessionOptions } from './drafter'
import { distributionOver, ofVocabulary, oneHot } from './probability-rows'

export interface ModelDrafterOptions {
  /** Default 'model'. */
  name?: string
  /** Where drafts end before their length. Default nowhere. */
  stop?: DraftStop | undefined
}

/**
 * Drafts with a small model: one step a token, its ids never leaving the device within a block.
 *
 * @throws OutriderError INVALID_ARGUMENT for a `stop` that is out of range
 */
export function modelDrafter(model: CausalLM, { name = 'model', stop }: ModelDrafterOptions = {}): Drafter {
  const { parameterCount } = model
  const checked = checkedStop(stop)
  return { name, parameterCount, open: (options) => new ModelDraftSession(model, checked, options) }
}

class ModelDraftSession implements DraftSession {
  readonly #model: CausalLM
  readonly #stop: DraftStop | undefined
  readonly #cache: KvCache
  readonly #vocabularySize: number
  readonly #blocks = new RepeatedSteps<DraftBlock>()
  /** The tokens before the last draft. */
  #drafted = 0

  constructor(model: CausalLM, stop: DraftStop | undefined, { capacity, vocabularySize }: SessionOptions) {
    this.#model = model
    this.#stop = stop
    this.#vocabularySize = vocabularySize
    const context = model.config.contextLength
    this.#cache = model.createCache({ capacity: Math.min(capacity, context), context })
  }

  draft({ tokens, draftLength, sampling, offset }: DraftRequest): Draft | null {
    // The last drafted token is never read, so n drafts take n − 1 places after the sequence.
    const count = Math.min(draftLength, this.#cache.capacity - tokens.length + 1)
    if (count < 1) return null
    const [model, cache, stop, columns] = [this.#model, this.#cache, this.#stop, this.#vocabularySize]
    const block = this.#blocks.of(`${count}`, () => new DraftBlock({ model, cache, count, columns, sampling, stop }))
    // What it has not read: the last token, and those that plain steps or a fully accepted draft left out.
    block.run(tokens.slice(this.#cache.lengths[0]!), offset)
    this.#drafted = tokens.length
    return { tokens: block.ids, probabilities: block.probabilities, count: block.progress?.count, lasting: true }
  }

  keep(length: number, proposed = Number.POSITIVE_INFINITY): void {
    // Where a draft ended early, the steps behind it were not run: its last token is not read.
    const read = this.#stop ? this.#drafted + proposed - 1 : length
    this.#cache.truncate(Math.min(length, read, this.#cache.lengths[0]!))
  }

  dispose(): void {
    this.#blocks.dispose()
    this.#cache.dispose()
  }
}

/** Up to so many unread tokens the first step of a block is recorded with the rest; more are a prompt, read once. */
const mostUnread = 2

interface DraftBlockOptions {
  model: CausalLM
  cache: KvCache
  /** Tokens to draft. */
  count: number
  /** V, columns of p. */
  columns: number
  sampling: Sampling
  stop: DraftStop | undefined
}

/** Drafts of one length: where they go, and the steps that write them. */
class DraftBlock {
  readonly ids: Tensor // u32 [n]
  readonly probabilities: Tensor // [n, V]
  /** Where drafts may end early. */
  readonly progress: DraftProgress | undefined
  readonly #options: DraftBlockOptions
  /** By the number of unread tokens: the tensor that they are written to, and the step that begins with them. */
  readonly #steps = new Map<number, { unread: Tensor; step: RepeatedStep<Record<string, Tensor>> }>()

  constructor(options: DraftBlockOptions) {
    const { model, count, columns, stop } = options
    const { device } = model
    this.#options = options
    this.ids = device.empty([count], 'u32').keep()
    this.probabilities = device.empty([count, columns]).keep()
    const word = () => device.empty([1], 'u32').keep()
    this.progress = stop && { count: word(), going: word() }
  }

  /** Queues the drafting of `count` tokens after those that the model has not read. */
  run(unread: readonly number[], offset: number): void {
    const { model, cache } = this.#options
    if (unread.length > mostUnread) {
      model.device.scope(() => this.#draft(prefill(model, cache, [unread]), counter(offset)))
      return
    }
    let known = this.#steps.get(unread.length)
    if (!known) {
      const tokens = model.device.empty([1, unread.length], 'u32').keep()
      const step = new RepeatedStep(model, cache, (counter) => {
        this.#draft(model.forward(tokens, { cache, rows: 'last' }), counter)
        return {}
      })
      known = { unread: tokens, step }
      this.#steps.set(unread.length, known)
    }
    known.unread.write(Uint32Array.from(unread))
    known.step.run(offset)
  }

  dispose(): void {
    for (const { unread, step } of this.#steps.values()) {
      unread.dispose()
      step.dispose()
    }
    this.ids.dispose()
    this.probabilities.dispose()
    for (const word of Object.values(this.progress ?? {})) word.dispose()
  }

  /**
   * Draws from the logits after the unread tokens, and goes on from what was drawn. Where a draft may end early, the device runs
   * further steps only while it goes on.
   */
  #draft(first: Tensor, offset: Counter): void {
    const { model, cache, count, columns, sampling } = this.#options
    const { device } = model
    let token = this.#draw(0, first, offset)
    for (let i = 1; i < count; i++) {
      const step = () => this.#draw(i, model.forward(token.reshape([1, 1]), { cache }), offset) // logits [1, 1, V']
      token = this.progress ? device.when(this.progress.going, step) : step()
    }
    if (sampling.temperature === 0) oneHot(this.ids, columns, this.probabilities)
  }

  /** Draws token i from logits [1, V'], in any shape; u32 [1]. */
  #draw(i: number, logits: Tensor, offset: Counter): Tensor {
    const { model, columns, sampling, stop } = this.#options
    const { device } = model
    const greedy = sampling.temperature === 0
    return device.scope(() => {
      const rows = logits.reshape([1, logits.size])
      const x = greedy ? ofVocabulary(rows, columns) : distributionOver(columns, rows, sampling) // [1, V]
      if (!greedy) device.copy(x, 0, this.probabilities, i * columns, columns)
      const id = greedy
        ? argmax(x, { logits: true })
        : sampleCategorical(x, { seed: sampling.seed, offset: offset.plus(i) })
      if (stop) advanceDraft(this.progress!, stop, { index: i, x, logits: greedy, id })
      device.copy(id, 0, this.ids, i, 1)
      return id
    })
  }
}
