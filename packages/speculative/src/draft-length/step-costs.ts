import type { DraftChoice } from './policy'

/** Seconds of passes over a number of rows, by rows. */
export type PassSeconds = readonly { rows: number; seconds: number }[]

/** What a step of a batch took: so many sequences, and what was drafted for some of them. */
export interface BatchStepSeconds {
  sequences: number
  choices: readonly DraftChoice[]
  seconds: number
}

/** Measured seconds of the passes that a block is made of. */
export interface StepCosts {
  /** One step of the drafter, over one row; 0 for one that runs no model. */
  draftSeconds: number
  /** Of a parallel draft: its passes, each of which drafts a whole block. Undefined for one that takes a step a token. */
  draftPasses?: PassSeconds | undefined
  /**
   * A draft step behind the end of a draft that stopped, which is queued all the same and not run; undefined where it was not
   * measured.
   */
  skippedSeconds?: number | undefined
  /** Passes of the target over a number of rows, by rows, the first over one row: plain decoding. */
  targetSeconds: PassSeconds
  /** Of a batch, where they were measured (`measureBatchSteps`): what steps of several sequences take. */
  batchSteps?: readonly BatchStepSeconds[] | undefined
}

/** Seconds of one target pass over `rows` rows: between the measured ones by a straight line, beyond them by the last slope. */
export const targetPassSeconds = ({ targetSeconds }: StepCosts, rows: number): number =>
  passSeconds(targetSeconds, rows)

/** Seconds of one pass of the draft: where it is not measured, more rows cost it what they cost the target, beside one. */
export function draftPassSeconds(costs: StepCosts, rows: number): number {
  if (costs.draftPasses) return passSeconds(costs.draftPasses, rows)
  return (costs.draftSeconds * targetPassSeconds(costs, rows)) / targetPassSeconds(costs, 1)
}

function passSeconds(measured: PassSeconds, rows: number): number {
  const first = measured[0]!
  if (measured.length === 1) return first.seconds
  const above = measured.findIndex((one) => one.rows >= rows)
  const upper = above === -1 ? measured.length - 1 : Math.max(above, 1)
  const [a, b] = [measured[upper - 1]!, measured[upper]!]
  return a.seconds + ((b.seconds - a.seconds) * (rows - a.rows)) / (b.rows - a.rows)
}

/**
 * Seconds of a block: γ draft steps, or one pass of a parallel draft over γ rows, and one target pass over γ + 1; plain decoding is
 * γ = 0.
 */
export function blockSeconds(costs: StepCosts, draftLength: number): number {
  return draftingSeconds(costs, draftLength) + targetPassSeconds(costs, draftLength + 1)
}

/** Seconds of drafting γ tokens after a token that is the only one unread. */
function draftingSeconds(costs: StepCosts, draftLength: number): number {
  if (draftLength === 0) return 0
  return costs.draftPasses ? draftPassSeconds(costs, draftLength) : draftLength * costs.draftSeconds
}

/** Seconds that a model's first draft step takes longer where it reads more than the last token. */
export function catchUpSeconds(costs: StepCosts, unread: number): number {
  return draftPassSeconds(costs, Math.max(1, unread)) - draftPassSeconds(costs, 1)
}

/** Whether a draft that ends early saves anything by it: whether a step costs more than queueing it in vain. */
export const skipsPay = ({ draftSeconds, skippedSeconds = draftSeconds }: StepCosts): boolean =>
  skippedSeconds < draftSeconds

/**
 * Seconds of the draft steps of a block of which `drafted` of γ tokens are proposed.
 *
 * @param options.skips  whether steps behind the end are not run
 */
export function draftStepsSeconds(
  { draftSeconds, skippedSeconds = 0 }: StepCosts,
  { draftLength, drafted, skips }: { draftLength: number; drafted: number; skips: boolean },
): number {
  const run = skips ? drafted : draftLength
  return run * draftSeconds + (draftLength - run) * skippedSeconds
}

/** γ of the block by whose pass a parallel draft's c is told, where no other is meant. */
const usualBlock = 8

/** The measured cost ratio c: one draft step, or of a parallel draft the pass for a block of γ, over one plain target step. */
export const costRatio = (costs: StepCosts, draftLength = usualBlock): number =>
  (costs.draftPasses ? draftPassSeconds(costs, draftLength) : costs.draftSeconds) / targetPassSeconds(costs, 1)
