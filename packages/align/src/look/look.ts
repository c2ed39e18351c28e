import { type StepCosts, targetPassSeconds } from '@outrider/speculative'
import { type PretrainedModel, throwIfAborted } from '@outrider/transformer'
import { type Ceiling, ceilings } from './ceiling'
import { draftCosts } from './draft-costs'
import { candidateShapes, type DraftShape } from './draft-shape'
import { type Answered, generateTime } from './generate-time'
import { trainingTime } from './training-time'

/** What a shape of draft costs here, and what it could bring. */
export interface Candidate {
  shape: DraftShape
  parameters: number
  costs: StepCosts
  ceilings: Ceiling[]
}

/** What was seen before anything was trained: plain data, which is kept with the plan. */
export interface Look {
  adapter: string
  /** Bytes that the target has on the device. */
  targetBytes: number
  targetParameters: number
  /** Of the shapes that there was time to measure, the cheapest first. */
  candidates: Candidate[]
  /** Seconds of one token of an answer, where several answers are written side by side, without the reading of the prompt. */
  answerTokenSeconds: number
  /** Seconds in which the target reads one position of a text, and of one position of training for the draft. */
  targetPositionSeconds: number
  draftPositionSeconds: number
  /** How much faster lookups alone would have been on the answers that were looked at; null where these were too few. */
  lookupSpeedUp: number | null
  /** Seconds that the look took. */
  seconds: number
}

export interface LookOptions {
  /** Prompts to answer, as tokens. */
  prompts: readonly (readonly number[])[]
  /** Seconds that all of the run may take: the look takes a few hundredths of them. Default 1800. */
  budgetSeconds?: number | undefined
  signal?: AbortSignal | undefined
  /** Told of what is measured next. */
  onMeasure?: ((what: string) => void) | undefined
}

/** The share of the budget after which no further shape is measured, and that of the steps of training. */
const mostOfBudget = 0.04
const trainingShare = 0.015

/**
 * Measures what decides a run: passes of the target by rows, draft steps of candidate shapes, the rates of answering and of
 * training, and what lookups would gain. Times are this machine's, now; whatever follows from them is written down in the plan.
 *
 * @throws OutriderError ABORTED; NOT_FINITE where a model's logits are no numbers
 */
export async function look(
  target: PretrainedModel,
  { prompts, budgetSeconds = 1800, signal, onMeasure = () => undefined }: LookOptions,
): Promise<Look> {
  const began = performance.now()
  const passed = () => (performance.now() - began) / 1000
  const [first, ...others] = candidateShapes(target.config)
  const few = { repetitions: budgetSeconds < 600 ? 3 : 5, signal }

  onMeasure('passes of the target, and steps of a draft')
  const candidates = [await candidate(target, first!, few)]
  const each = passed()
  for (const shape of others) {
    throwIfAborted(signal)
    if (passed() + each > mostOfBudget * budgetSeconds) break
    candidates.push(await candidate(target, shape, few))
  }
  const { costs } = candidates[0]!
  onMeasure('answers')
  const plain = targetPassSeconds(costs, 1)
  const tokens = Math.min(48, Math.max(8, Math.floor((mostOfBudget * budgetSeconds) / (4 * plain))))
  const answered = await generateTime(target, { prompts, tokens, costs, signal })
  onMeasure('steps of training')
  // A position of training costs about a row of a wide pass.
  const { rows, seconds } = costs.targetSeconds.at(-1)!
  const positions = (trainingShare * budgetSeconds * rows) / seconds
  const trained = await trainingTime(target, first!, { positions, signal })
  return {
    adapter: target.model.device.adapterName,
    targetBytes: Object.values(target.model.parameters).reduce((sum, { bytes }) => sum + bytes, 0),
    targetParameters: target.model.parameterCount,
    candidates,
    answerTokenSeconds: tokenSeconds(answered, trained, costs),
    lookupSpeedUp: answered.lookupSpeedUp,
    ...trained,
    seconds: passed(),
  }
}

/** What the answers took beside the prompts: no less than the rows of a wide pass, for the share of prompts is reckoned. */
function tokenSeconds(
  { seconds, read, said }: Answered,
  { targetPositionSeconds }: Pick<Look, 'targetPositionSeconds'>,
  { targetSeconds }: StepCosts,
): number {
  const wide = targetSeconds.at(-1)!
  return Math.max(wide.seconds / wide.rows, (seconds - read * targetPositionSeconds) / Math.max(1, said))
}

async function candidate(
  target: PretrainedModel,
  shape: DraftShape,
  options: { repetitions: number; signal?: AbortSignal | undefined },
): Promise<Candidate> {
  const { costs, parameters } = await draftCosts(target, shape, options)
  return { shape, parameters, costs, ceilings: ceilings(costs) }
}

/** The acceptance rate above which hardly any draft comes. */
const mostAcceptance = 0.7

/** Whether a draft of any shape that was measured could be faster than plain decoding, were it as good as drafts get. */
export const canPay = ({ candidates }: Pick<Look, 'candidates'>): boolean =>
  candidates.some(({ ceilings }) =>
    ceilings.some(({ breakEvenAcceptance }) => breakEvenAcceptance !== null && breakEvenAcceptance < mostAcceptance),
  )
