import {
  type Drafter,
  type DraftStop,
  measureCosts,
  modelDrafter,
  SpeculativeDecoder,
  type StepCosts,
  type Verification,
} from '@outrider/speculative'
import { type CausalLM, type PretrainedModel, resolveSampling, type SamplingOptions } from '@outrider/transformer'
import { allTasks, type EvaluationFigures } from './figures'
import { type MeasureOptions, measureInTurns } from './measure-in-turns'

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
 * How well a draft predicts its target, and what that gains: prompts answered plainly and with each draft length, in turns.
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
  const { target, sampling, maxTokens, signal } = options
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
  return { target, draft, sampling, verification, maxTokens, costs, results }
}

/**
 * What steps of the two models cost, measured before anything else: it also compiles their kernels.
 *
 * @param options.stops  whether drafts may end early. Default false
 */
export const stepCosts = (
  target: PretrainedModel<CausalLM>,
  draft: PretrainedModel<CausalLM> | Drafter,
  sampling: SamplingOptions,
  { stops = false }: { stops?: boolean } = {},
): Promise<StepCosts> =>
  measureCosts({
    target: target.model,
    drafter: 'open' in draft ? draft : modelDrafter(draft.model),
    sampling: resolveSampling(sampling),
    stops,
  })
