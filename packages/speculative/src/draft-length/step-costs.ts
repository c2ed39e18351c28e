/** Measured seconds of the passes that a block is made of. */
export interface StepCosts {
  /** One step of the drafter; 0 for one that runs no model. */
  draftSeconds: number
  /**
   * A draft step behind the end of a draft that stopped, which is queued all the same and not run; undefined where it was not
   * measured.
   */
  skippedSeconds?: number | undefined
  /** Passes of the target over a number of rows, by rows, the first over one row: plain decoding. */
  targetSeconds: readonly { rows: number; seconds: number }[]
}

/** Seconds of one target pass over `rows` rows: between the measured ones by a straight line, beyond them by the last slope. */
export function targetPassSeconds({ targetSeconds }: StepCosts, rows: number): number {
  const first = targetSeconds[0]!
  if (targetSeconds.length === 1) return first.seconds
  const above = targetSeconds.findIndex((measured) => measured.rows >= rows)
  const upper = above === -1 ? targetSeconds.length - 1 : Math.max(above, 1)
  const [a, b] = [targetSeconds[upper - 1]!, targetSeconds[upper]!]
  return a.seconds + ((b.seconds - a.seconds) * (rows - a.rows)) / (b.rows - a.rows)
}

/** Seconds of a block: γ draft steps and one target pass over γ + 1 rows; plain decoding is γ = 0. */
export function blockSeconds(costs: StepCosts, draftLength: number): number {
  return draftLength * costs.draftSeconds + targetPassSeconds(costs, draftLength + 1)
}

/**
 * Seconds that a model's first draft step takes longer where it reads more than the last token: more rows cost it what they
 * cost the target, beside one.
 */
export function catchUpSeconds(costs: StepCosts, unread: number): number {
  const rows = targetPassSeconds(costs, Math.max(1, unread)) / targetPassSeconds(costs, 1)
  return costs.draftSeconds * (rows - 1)
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

/** The measured cost ratio c: one draft step over one plain target step. */
export const costRatio = (costs: StepCosts): number => costs.draftSeconds / targetPassSeconds(costs, 1)
