import { counter } from '@outrider/tensor/internal'
import { type CausalLM, rowsTogether } from '@outrider/transformer'
import type { DraftPlace } from './draft-place'
import { type DraftRows, drawEach } from './draft-rows'
import type { DraftGroup } from './drafts-together'
import { SharedPasses } from './shared-passes'

export interface GroupedParallelDraft {
  place: DraftPlace
  /** Where its tokens go, and how they are drawn. */
  rows: DraftRows
  /** What its pass reads: tokens that the model has not read, and a mask for each drafted one but the first. */
  reads: readonly number[]
  /** The first of its random counters. */
  offset: number
  /** Makes the draft in its own cache. */
  alone: () => void
}

/**
 * Makes the drafts of a parallel model for several sequences in one pass over what each has unread and its masks. A sequence that
 * drafts while no other does keeps a cache of its own, in which its passes are recorded; with the first pass that it shares it moves
 * to the others.
 */
export class ParallelDraftGroup implements DraftGroup {
  readonly #passes: SharedPasses
  #asked: GroupedParallelDraft[] = []

  /** @param size  the most sequences */
  constructor(model: CausalLM, size: number) {
    this.#passes = new SharedPasses(model, size)
  }

  /** Whether a sequence may draft with the others, once it does: whether there is room for it. */
  expect(place: DraftPlace): boolean {
    return this.#passes.expect(place)
  }

  /** Reads what is too much for a pass that others share. */
  read(place: DraftPlace, tokens: readonly number[]): void {
    this.#passes.prefill(place, tokens).dispose()
  }

  /** Puts a draft off until `run`. */
  ask(draft: GroupedParallelDraft): void {
    this.#asked.push(draft)
  }

  run(): void {
    const asked = this.#asked
    this.#asked = []
    this.#passes.settle()
    if (asked.length === 0) return
    if (asked.length === 1 && asked[0]!.place.own) {
      asked[0]!.alone()
      return
    }
    for (const { place } of asked) if (place.own) place.join()
    this.#passes.model.device.scope(() => this.#draft(asked))
  }

  growth(tokens?: number): number | undefined {
    return this.#passes.growth(tokens)
  }

  dispose(): void {
    this.#asked = []
    this.#passes.dispose()
  }

  #draft(asked: readonly GroupedParallelDraft[]): void {
    const reads = asked.map(({ place, reads }) => ({ place, next: reads }))
    const passed = this.#passes.over(reads, asked[0]!.rows.covered !== undefined)
    // Of the rows of each the last are drawn from.
    const drafts = asked.map((draft, i) => {
      const { count } = draft.rows.options
      const { x, start, count: read } = passed[i]!
      return { ...draft, count, said: { x, start: start + read - count, count } }
    })
    const together = drafts.filter(({ rows }) => !rows.options.processor)
    if (together.length > 0)
      drawEach(
        together.map(({ rows, offset, count }) => ({ rows, index: 0, count, offset })),
        rowsTogether(together.map(({ said }) => said)),
      )
    for (const { rows, offset, said } of drafts)
      if (rows.options.processor) rows.drawAll(rowsTogether([said]), counter(offset))
    for (const { rows, place, count } of drafts) {
      rows.finish()
      // It keeps no mask.
      place.truncate(place.length - count + 1)
    }
  }
}
