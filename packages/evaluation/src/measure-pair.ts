import {
  type Drafter,
  type DraftStop,
  SpeculativeDecoder,
  type StepCosts,
  type Verification,
} from '@outrider/speculative'
import type { CausalLM, PretrainedModel, SamplingOptions } from '@outrider/transformer'
import { allTasks, type EvaluationFigures } from './figures'
import { type MeasureOptions, measureInTurns } from './measure-in-turns'
import { stepCosts } from './step-costs'

export interface MeasurePairOptions extends MeasureOptions {
  /** A model, or anything else that drafts. */
  draft: PretrainedModel<CausalLM> | Drafter
  /** Each γ that is measured. Default [3, 5]. */
  draftLengths?: readonly number[] | undefined
  /** Where drafts end early. Default nowhere. */
  draftStop?: DraftStop | 'auto' | undefined
  /** Default 'block'. */
  verification?: Verification | undefined
  /** What steps cost, where that has been measured. Otherwise kernels are compiled and their costs measured first. */
  costs?: StepCosts | undefined
}

/** What was measured of a pair, and on what: all that a report of it needs to know of the measuring. */
export interface PairMeasurement {
  target: PretrainedModel<CausalLM>
  draft: PretrainedModel<CausalLM> | Drafter
  sampling: SamplingOptions
  verification: Verification
  maxTokens: number
  /** Prompts of a category that were answered at once. */
  batchSize: number
  costs: StepCosts
  /** Of each draft length. */
  results: LengthResult[]
}

/** What was measured with one draft length. */
export interface LengthResult {
  draftLength: number
  /** Of all prompts. */
  all: EvaluationFigures
  categories: Readonly<Record<string, EvaluationFigures>>
}

/**
 * How well a draft predicts its target, and what that gains: prompts answered plainly and with each draft length, in turns, one
 * by one or several at once (`batchSize`).
 *
 * @throws OutriderError VOCABULARY_MISMATCH where the models do not share one, and what decoding throws
 */
export async function measurePair({
  draft,
  draftLengths = [3, 5],
  draftStop,
  verification = 'block',
  ...options
}: MeasurePairOptions): Promise<PairMeasurement> {
  const { target, sampling, maxTokens, batchSize = 1, signal } = options
  let { costs } = options
  if (!costs) {
    const longest = { target, drafter: draft, draftLength: Math.max(...draftLengths), draftStop }
    await new SpeculativeDecoder(longest).warmUp({ ...sampling, signal })
    costs = await stepCosts(target, draft, sampling, { stops: draftStop !== undefined })
  }
  const contenders = draftLengths.map((draftLength) => ({ draft, draftLength, draftStop, verification, costs }))
  const figures = await measureInTurns(options, contenders)
  const results = figures.map((byCategory, i) => {
    const { [allTasks]: whole, ...categories } = Object.fromEntries(byCategory)
    return { draftLength: draftLengths[i]!, all: whole!, categories }
  })
  return { target, draft, sampling, verification, maxTokens, batchSize, costs, results }
}
