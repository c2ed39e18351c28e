import {
  argmax,
  type Counter,
  type RowSampleOptions,
  type SampleOptions,
  sampleCategorical,
  samplingDistribution,
  slice,
  type Tensor,
} from '@outrider/tensor'
import { coveredTokens, writeCovered } from '@outrider/tensor/internal'
import type { CausalLM, LogitsProcessor, Sampling } from '@outrider/transformer'
import { maxDraftLength } from '../draft-length/policy'
import { distributionOver, ofVocabulary } from './probability-rows'

/**
 * Up to so many unread tokens the first pass of a block reads, recorded with the rest: what one block leaves to the next. More are a
 * prompt, read before.
 */
export const mostUnread = maxDraftLength + 1

export interface DraftRowsOptions {
  model: CausalLM
  /** Tokens to draft. */
  count: number
  /** V, columns of p. */
  columns: number
  sampling: Sampling
  /** What is done to logits, given the tokens before: then they are drawn from a row at a time. */
  processor: LogitsProcessor | undefined
}

/** What was drawn from some rows of logits. */
export interface DrawnRows {
  /** u32 [rows]. */
  ids: Tensor
  /** What they were drawn from, over the columns of the model's head: p, or where all are greedy logits. */
  x: Tensor
  /** Which columns of x they are: u32 [rows]. */
  places: Tensor
}

/** Drafts of one length: the memory that they lie in, and how they are drawn. */
export class DraftRows {
  readonly ids: Tensor // u32 [n]
  /** p, f32 [n, V]; of greedy drafts, which are certain, there is none. */
  readonly probabilities: Tensor | undefined
  /** Of a draft that says some ids alone: these, u32 [C]. */
  readonly covered: Tensor | undefined
  readonly options: DraftRowsOptions
  /** p over the covered ids, f32 [n, C]. */
  readonly #coveredProbabilities: Tensor | undefined
  #proposed: Tensor | undefined

  constructor(options: DraftRowsOptions) {
    const { model, count, columns, sampling } = options
    const { device, covered, config } = model
    this.options = options
    this.ids = device.empty([count], 'u32').keep()
    // A draft that says ids beyond V is cut to V like any other.
    if (covered && (config.coveredIds?.at(-1) ?? covered.vocabularySize - 1) < columns) this.covered = covered.ids
    if (sampling.temperature === 0) return
    // Columns of ids that are not covered stay 0.
    this.probabilities = device.zeros([count, columns]).keep()
    this.#coveredProbabilities = this.covered && device.empty([count, this.covered.size]).keep()
  }

  /**
   * Queues the draws of tokens from `first` on. What it makes is its scope's.
   *
   * @param logits  [rows, C] of the covered ids, where there are such, or else [rows, V']
   * @param masks   what a constraint allows in each row, where that is known: u32 [rows, words]
   */
  draw(logits: Tensor, first: number, offset: Counter, masks?: Tensor): DrawnRows {
    const { sampling, processor } = this.options
    const processed = processor?.draft(logits, { drafted: this.ids, first, ids: this.covered, masks }) ?? logits
    const drawn = drawnFrom(processed, this, sampling, { seed: sampling.seed, offset: offset.plus(first) })
    this.write(drawn, first, { start: 0, count: drawn.ids.size })
    return drawn
  }

  /**
   * Queues the draws of all tokens.
   *
   * @param logits  [n, C or V']
   */
  drawAll(logits: Tensor, offset: Counter): void {
    const { count, processor } = this.options
    if (!processor) this.draw(logits, 0, offset)
    else for (let i = 0; i < count; i++) this.draw(slice(logits, { start: i, count: 1 }), i, offset)
  }

  /** Keeps some rows of what was drawn as the tokens from `first` on, with their p. */
  write({ ids, x }: DrawnRows, first: number, { start, count }: { start: number; count: number }): void {
    const { device } = ids
    device.copy(ids, start, this.ids, first, count)
    const p = this.#coveredProbabilities ?? this.probabilities
    if (!p) return
    const columns = p.shape[1]!
    device.copy(x, start * columns, p, first * columns, count * columns)
  }

  /** Queues what is left once all are drawn: `probabilities` over all ids. */
  finish(): void {
    if (this.#coveredProbabilities) writeCovered(this.#coveredProbabilities, this.covered!, this.probabilities!)
  }

  /** Says that of the tokens only some are proposed: u32 [1], written again by the next such draft. */
  proposed(count: number): Tensor {
    this.#proposed ??= this.ids.device.empty([1], 'u32').keep()
    this.#proposed.write(Uint32Array.of(count))
    return this.#proposed
  }

  dispose(): void {
    for (const tensor of [this.#proposed, this.ids, this.probabilities, this.#coveredProbabilities]) tensor?.dispose()
  }
}

/** The next tokens of a draft, and how they are drawn. */
export interface NextDraw {
  rows: DraftRows
  /** Of the first of them. Default 0. */
  index: number
  /** How many: each has a row. Default 1. */
  count?: number
  /** The first of the draft's random counters. */
  offset: number
}

/**
 * Queues the draws of the next tokens of several drafts by one model, to whose logits nothing is done before: what `draw` draws of
 * each, to the bit. What it makes is its scope's.
 *
 * @param logits  [rows of all, C or V'], as of `draw`
 * @returns what was drawn, u32 [rows of all]
 */
export function drawEach(next: readonly NextDraw[], logits: Tensor): Tensor {
  const [{ rows: first }] = next as [NextDraw]
  const each = next.flatMap(({ rows, index, count = 1, offset }) =>
    Array.from({ length: count }, (_, i) => ({ ...rows.options.sampling, offset: offset + index + i })),
  )
  const isGreedy = each.every(({ temperature }) => temperature === 0)
  const drawn = drawnFrom(logits, first, isGreedy ? each[0]! : each, each)
  let start = 0
  for (const { rows, index, count = 1 } of next) {
    rows.write(drawn, index, { start, count })
    start += count
  }
  return drawn.ids
}

/** Draws from rows of logits, by one sampling for all or by one of each. */
function drawnFrom(
  logits: Tensor,
  { covered, options: { columns } }: DraftRows,
  sampling: Sampling | readonly Sampling[],
  draws: SampleOptions | readonly RowSampleOptions[],
): DrawnRows {
  const taken = (x: Tensor, places: Tensor): DrawnRows => ({
    ids: covered ? coveredTokens(places, covered) : places,
    x,
    places,
  })
  if ('temperature' in sampling && sampling.temperature === 0) {
    const x = covered ? logits : ofVocabulary(logits, columns)
    return taken(x, argmax(x, { logits: true }))
  }
  const x = covered ? samplingDistribution(logits, sampling) : distributionOver(columns, logits, sampling) // [rows, C or V]
  return taken(x, sampleCategorical(x, draws))
}
