import { autoDraftLength } from '../draft-length/auto'
import type { DraftLengthPolicy } from '../draft-length/policy'
import type { StepCosts } from '../draft-length/step-costs'

export interface SequenceDraftLengthOptions {
  /** Whether the answer is to repeat itself, so that γ must look at no clock and no load. */
  repeats: boolean
  /** Whether costs choose where drafts end (`draftStop: 'auto'`). */
  stops: boolean
  /** What steps cost, as measured here: of answers that need not repeat themselves. */
  costs: StepCosts | undefined
  /** What they cost for answers that repeat themselves: the same wherever these are to be the same. */
  fixedCosts: StepCosts
}

/** What chooses the draft lengths of one sequence of a `SpeculativeBatch`, where `asked` is γ or 'auto'. */
export function sequenceDraftLength(
  asked: number | 'auto',
  { repeats, stops, costs, fixedCosts }: SequenceDraftLengthOptions,
): number | DraftLengthPolicy | 'auto' {
  // What the clock and other sequences taught must not matter where the same answer is expected again.
  const chosen = repeats || !costs ? { costs: fixedCosts, learnsTimes: false } : { costs }
  if (asked === 'auto') return repeats ? autoDraftLength({ ...chosen, stops }) : 'auto'
  return stops && asked > 0 ? autoDraftLength({ ...chosen, stops, draftLength: asked }) : asked
}
