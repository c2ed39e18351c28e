import type { Counter, Tensor } from '@outrider/tensor'
import { counter, ofCovered } from '@outrider/tensor/internal'
import {
  type CausalLM,
  type KvCache,
  multipleUpTo,
  type Prefixes,
  prefill,
  RepeatedStep,
  RepeatedSteps,
} from '@outrider/transformer'
import { DraftRows, type DraftRowsOptions, mostUnread } from './draft-rows'
import {
  advanceDraft,
  checkedStop,
  type DraftProgress,
  type DraftStop,
  type StopMeasure,
  thresholdOf,
} from './draft-stop'
import type { Drafter, DraftRequest, DraftSession, DrawnDraft, Offer, SessionOptions } from './drafter'
import { ParallelDraftSession } from './parallel-drafter'

export interface ModelDrafterOptions {
  /** Default 'model'. */
  name?: string
  /** Where drafts end before their length. Default nowhere, but where a request says so. */
  stop?: DraftStop | undefined
}

/**
 * Drafts with a small model, its ids never leaving the device within a block: one step a token; or, with a model that names a token
 * for what is not drafted yet (`maskTokenId`, a parallel draft), one pass for the whole block, which has nothing to stop.
 *
 * @throws OutriderError INVALID_ARGUMENT for a `stop` that is out of range
 */
export function modelDrafter(model: CausalLM, { name = 'model', stop }: ModelDrafterOptions = {}): Drafter {
  const { parameterCount } = model
  const { maskTokenId } = model.config
  const checked = checkedStop(stop)
  const open = (options: SessionOptions) =>
    maskTokenId === undefined
      ? new ModelDraftSession(model, checked, options)
      : new ParallelDraftSession(model, maskTokenId, options)
  return { name, parameterCount, models: [model], open }
}

class ModelDraftSession implements DraftSession {
  readonly #model: CausalLM
  readonly #stop: DraftStop | undefined
  readonly #cache: KvCache
  readonly #vocabularySize: number
  readonly #prefixes: Prefixes | undefined
  readonly #blocks = new RepeatedSteps<DraftBlock>()
  /** The last draft: the tokens before it, and whether steps behind its end were left out. */
  #last = { after: 0, skips: false }

  constructor(model: CausalLM, stop: DraftStop | undefined, { capacity, vocabularySize, prefixes }: SessionOptions) {
    this.#model = model
    this.#stop = stop
    this.#vocabularySize = vocabularySize
    this.#prefixes = prefixes
    const context = model.config.contextLength
    this.#cache = model.createCache({ capacity: Math.min(capacity, context), context })
  }

  offers(tokens: readonly number[], limit: number): Offer[] {
    const length = Math.min(limit, this.#room(tokens))
    const unread = tokens.length - this.#cache.lengths[0]!
    return length < 1 ? [] : [{ source: 'model', kind: '', length, unread, ...(!this.#stop && { stops: true }) }]
  }

  read(tokens: readonly number[], place: number): void {
    const to = multipleUpTo(Math.min(place, this.#cache.capacity))
    if (this.#cache.lengths[0] === 0) this.#prefixes?.restore(this.#model, this.#cache, tokens, to)
    const from = this.#cache.lengths[0]!
    if (to > from) prefill(this.#model, this.#cache, tokens.slice(from, to)).dispose()
    if (place === tokens.length) this.#prefixes?.keep(this.#model, this.#cache, tokens.slice(0, to))
  }

  draft({ tokens, draftLength, stop: asked, skips = true, offset, ...request }: DraftRequest): DrawnDraft | null {
    const count = Math.min(draftLength, this.#room(tokens))
    if (count < 1) return null
    const [model, cache, columns] = [this.#model, this.#cache, this.#vocabularySize]
    const stop = asked === undefined ? this.#stop : checkedStop(asked ?? undefined)
    const { by, threshold } = stop ? thresholdOf(stop) : {}
    const stops = by && { by, skips }
    const name = [count, by, stops?.skips].join()
    const { sampling, processor } = request
    const making = { model, cache, count, columns, sampling, processor, stops }
    const block = this.#blocks.of(name, () => new DraftBlock(making))
    if (this.#prefixes && this.#cache.lengths[0] === 0 && tokens.length > mostUnread)
      this.read(tokens.slice(0, -1), tokens.length - 1)
    if (threshold !== undefined) block.progress!.threshold.write(Float32Array.of(threshold))
    // What it has not read: the last token, and those that plain steps or a fully accepted draft left out.
    block.run(tokens.slice(this.#cache.lengths[0]!), offset)
    this.#last = { after: tokens.length, skips: stops?.skips ?? false }
    const { ids, probabilities } = block.rows
    return { tokens: ids, probabilities, count: block.progress?.count, lasting: true }
  }

  keep(length: number, proposed = Number.POSITIVE_INFINITY): void {
    // Where steps behind the end were not run, the last proposed token is not read.
    const { after, skips } = this.#last
    const read = skips ? after + proposed - 1 : length
    this.#cache.truncate(Math.min(length, read, this.#cache.lengths[0]!))
  }

  trim(): void {
    this.#blocks.dispose()
  }

  dispose(): void {
    this.trim()
    this.#cache.dispose()
  }

  /** The last drafted token is never read, so n drafts take n − 1 places after the sequence. */
  #room(tokens: readonly number[]): number {
    return this.#cache.capacity - tokens.length + 1
  }
}

interface DraftBlockOptions extends DraftRowsOptions {
  cache: KvCache
  /** By what drafts end before their length, if they may, and whether the device leaves out the steps behind the end. */
  stops: { by: StopMeasure; skips: boolean } | undefined
}

/** Drafts of one length: where they go, and the steps that write them. */
class DraftBlock {
  readonly rows: DraftRows
  /** Where drafts may end early. */
  readonly progress: DraftProgress | undefined
  readonly #options: DraftBlockOptions
  /** By the number of unread tokens. */
  readonly #steps = new RepeatedSteps<DraftStep>()

  constructor(options: DraftBlockOptions) {
    const { stops } = options
    const { device } = options.model
    this.#options = options
    this.rows = new DraftRows(options)
    const word = () => device.empty([1], 'u32').keep()
    this.progress = stops && { by: stops.by, threshold: device.empty([1]).keep(), count: word(), going: word() }
  }

  /** Queues the drafting of `count` tokens after those that the model has not read. */
  run(unread: readonly number[], offset: number): void {
    const { model, cache } = this.#options
    if (unread.length > mostUnread) {
      const { covered } = this.rows
      model.device.scope(() => {
        const logits = prefill(model, cache, unread) // [1, V']
        this.#draft(covered ? ofCovered(logits, covered.ids) : logits, counter(offset))
      })
      return
    }
    const known = this.#steps.of(`${unread.length}`, () => this.#stepAfter(unread.length))
    known.unread.write(Uint32Array.from(unread))
    known.step.run(offset)
  }

  dispose(): void {
    this.#steps.dispose()
    this.rows.dispose()
    for (const word of ['threshold', 'count', 'going'] as const) this.progress?.[word].dispose()
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
    return model.forward(tokens, { cache, rows: 'last', coveredOnly: this.rows.covered !== undefined })
  }

  /**
   * Draws from the logits after the unread tokens, and goes on from what was drawn. Where steps behind the end are left out, the
   * device runs further ones only while the draft goes on.
   */
  #draft(first: Tensor, offset: Counter): void {
    const { model, count, stops } = this.#options
    let token = this.#draw(0, first, offset)
    for (let i = 1; i < count; i++) {
      const step = () => this.#draw(i, this.#forward(token.reshape([1, 1])), offset) // logits [1, 1, C or V']
      token = this.progress && stops?.skips ? model.device.when(this.progress.going, step) : step()
    }
    this.rows.finish()
  }

  /** Draws token i from logits [1, C or V'], in any shape; u32 [1]. */
  #draw(i: number, logits: Tensor, offset: Counter): Tensor {
    const { model, sampling } = this.#options
    return model.device.scope(() => {
      const { ids, x, places } = this.rows.draw(logits.reshape([1, logits.size]), i, offset)
      if (this.progress) advanceDraft(this.progress, { index: i, x, logits: sampling.temperature === 0, id: places })
      return ids
    })
  }
}

/** A block's draft steps after so many unread tokens. */
interface DraftStep {
  /** u32 [1, n], written before each run. */
  unread: Tensor
  step: RepeatedStep<Record<string, Tensor>>
  dispose(): void
}
