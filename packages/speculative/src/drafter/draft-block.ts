import type { Counter, Tensor } from '@outrider/tensor'
import { counter, ofCovered } from '@outrider/tensor/internal'
import { type KvCache, prefill, RepeatedStep, RepeatedSteps } from '@outrider/transformer'
import { DraftRows, type DraftRowsOptions, mostUnread } from './draft-rows'
import { advanceDraft, type DraftProgress, type StopMeasure } from './draft-stop'
import type { GroupedBlock } from './model-draft-group'

export interface DraftBlockOptions extends DraftRowsOptions {
  /** Of this sequence alone; undefined where it is with others, whose group reads its tokens. */
  cache: KvCache | undefined
  /** By what drafts end before their length, if they may, and whether the device leaves out the steps behind the end. */
  stops: { by: StopMeasure; skips: boolean } | undefined
}

/** Drafts of one length: where they go, and the steps that write them. */
export class DraftBlock implements GroupedBlock {
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

  get count(): number {
    return this.#options.count
  }

  get drawsWithOthers(): boolean {
    return this.progress === undefined && this.#options.processor === undefined
  }

  get coveredOnly(): boolean {
    return this.rows.covered !== undefined
  }

  /** Whether steps behind an early end are left out. */
  get skips(): boolean {
    return this.#options.stops?.skips ?? false
  }

  drawable(logits: Tensor): Tensor {
    const { covered } = this.rows
    return covered ? ofCovered(logits, covered) : logits
  }

  /** Queues the drafting of `count` tokens after those that the model has not read. */
  run(unread: readonly number[], offset: number): void {
    const { model, cache } = this.#options
    if (unread.length > mostUnread) {
      model.device.scope(() => this.#draft(this.drawable(prefill(model, cache!, unread)), counter(offset)))
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
    const step = new RepeatedStep(model, cache!, (counter) => {
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
    return model.forward(tokens, { cache: cache!, rows: 'last', coveredOnly: this.coveredOnly })
  }

  /**
   * Draws from the logits after the unread tokens, and goes on from what was drawn. Where steps behind the end are left out, the
   * device runs further ones only while the draft goes on.
   */
  #draft(first: Tensor, offset: Counter): void {
    const { model, count, stops } = this.#options
    let token = this.draw(0, first, offset)
    for (let i = 1; i < count; i++) {
      const step = () => this.draw(i, this.#forward(token.reshape([1, 1])), offset) // logits [1, 1, C or V']
      token = this.progress && stops?.skips ? model.device.when(this.progress.going, step) : step()
    }
    this.finish()
  }

  finish(): void {
    this.rows.finish()
  }

  /** Draws token i from logits [1, C or V'], in any shape; u32 [1]. */
  draw(i: number, logits: Tensor, offset: Counter): Tensor {
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
