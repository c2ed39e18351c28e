import { argmax, type Counter, sampleCategorical, samplingDistribution, slice, type Tensor } from '@outrider/tensor'
import { coveredTokens, writeCovered } from '@outrider/tensor/internal'
import type { CausalLM, LogitsProcessor, Sampling } from '@outrider/transformer'
import { maxDraftLength } from '../draft-length/policy'
import { distributionOver, ofVocabulary, oneHot } from './probability-rows'

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
  /** What they were drawn from, over the columns of the model's head: p, or at temperature 0 logits. */
  x: Tensor
  /** Which columns of x they are: u32 [rows]. */
  places: Tensor
}

/** Drafts of one length: the memory that they lie in, and how they are drawn. */
export class DraftRows {
  readonly ids: Tensor // u32 [n]
  readonly probabilities: Tensor // [n, V]
  /** Of a draft that says some ids alone: what it draws from over these, and what it draws. */
  readonly covered: CoveredRows | undefined
  readonly #options: DraftRowsOptions
  #proposed: Tensor | undefined

  constructor(options: DraftRowsOptions) {
    const { model, count, columns } = options
    const { device, covered, config } = model
    this.#options = options
    // Columns of ids that are not covered stay 0. A draft that says ids beyond V is cut to V like any other.
    this.probabilities = device.zeros([count, columns]).keep()
    this.ids = device.empty([count], 'u32').keep()
    if (covered && (config.coveredIds?.at(-1) ?? covered.vocabularySize - 1) < columns)
      this.covered = {
        ids: covered.ids,
        probabilities: device.empty([count, covered.ids.size]).keep(),
        places: device.empty([count], 'u32').keep(),
      }
  }

  /**
   * Queues the draws of tokens from `first` on. What it makes is its scope's.
   *
   * @param logits  [rows, C] of the covered ids, where there are such, or else [rows, V']
   * @param masks   what a constraint allows in each row, where that is known: u32 [rows, words]
   */
  draw(logits: Tensor, first: number, offset: Counter, masks?: Tensor): DrawnRows {
    const { columns, sampling } = this.#options
    const { covered } = this
    const { device } = logits
    const greedy = sampling.temperature === 0
    const x = this.#drawnFrom(this.#processed(logits, first, masks)) // [rows, C or V]
    const { probabilities } = covered ?? this
    const width = covered ? covered.ids.size : columns
    if (!greedy) device.copy(x, 0, probabilities, first * width, x.size)
    const places = greedy
      ? argmax(x, { logits: true })
      : sampleCategorical(x, { seed: sampling.seed, offset: offset.plus(first) })
    if (covered) device.copy(places, 0, covered.places, first, places.size)
    const ids = covered ? coveredTokens(places, covered.ids) : places
    device.copy(ids, 0, this.ids, first, ids.size)
    return { ids, x, places }
  }

  /**
   * Queues the draws of all tokens.
   *
   * @param logits  [n, C or V']
   */
  drawAll(logits: Tensor, offset: Counter): void {
    const { count, processor } = this.#options
    if (!processor) this.draw(logits, 0, offset)
    else for (let i = 0; i < count; i++) this.draw(slice(logits, { start: i, count: 1 }), i, offset)
  }

  /** Queues what is left once all are drawn: `probabilities` over all ids. */
  finish(): void {
    const { covered } = this
    const { probabilities } = covered ?? this
    if (this.#options.sampling.temperature === 0)
      oneHot(covered?.places ?? this.ids, probabilities.shape[1]!, probabilities)
    if (covered) writeCovered(probabilities, covered.ids, this.probabilities)
  }

  /** Says that of the tokens only some are proposed: u32 [1], written again by the next such draft. */
  proposed(count: number): Tensor {
    this.#proposed ??= this.ids.device.empty([1], 'u32').keep()
    this.#proposed.write(Uint32Array.of(count))
    return this.#proposed
  }

  dispose(): void {
    this.#proposed?.dispose()
    this.ids.dispose()
    this.probabilities.dispose()
    this.covered?.probabilities.dispose()
    this.covered?.places.dispose()
  }

  /** Logits of a row after the first `first` of the drafted tokens, as it is drawn from. */
  #processed(logits: Tensor, first: number, masks: Tensor | undefined): Tensor {
    const { processor } = this.#options
    return processor?.draft(logits, { drafted: this.ids, first, ids: this.covered?.ids, masks }) ?? logits
  }

  #drawnFrom(logits: Tensor): Tensor {
    const { columns, sampling } = this.#options
    if (sampling.temperature === 0) return this.covered ? logits : ofVocabulary(logits, columns)
    return this.covered ? samplingDistribution(logits, sampling) : distributionOver(columns, logits, sampling)
  }
}

/** Rows over covered ids. */
interface CoveredRows {
  ids: Tensor // u32 [C]
  probabilities: Tensor // [n, C]
  /** Of what is drawn, among the ids: u32 [n]. */
  places: Tensor
}
