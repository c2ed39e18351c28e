import type { LogEntry } from '@outrider/training'

/** A gain that is less than this is none: the figure's own noise is larger. */
const leastGain = 0.002

/** What a draft is worth on held-out rows: tokens of a block of three drafts; of rows too short for one, 1 + α. */
export const heldOutTokens = ({ eval_acceptance_length, eval_acceptance_rate = 0 }: LogEntry): number =>
  eval_acceptance_length?.['3'] ?? 1 + eval_acceptance_rate

const validations = (history: readonly LogEntry[]) =>
  history.filter(({ eval_acceptance_rate }) => eval_acceptance_rate !== undefined)

/** The validation that is the best by more than nothing, the first of equals; null where there was none. */
export function bestOf(history: readonly LogEntry[]): LogEntry | null {
  let best: LogEntry | null = null
  for (const entry of validations(history))
    if (best === null || heldOutTokens(entry) > heldOutTokens(best) + leastGain) best = entry
  return best
}

/** Whether so many validations have come after the best one. */
export function hasStalled(history: readonly LogEntry[], patience: number): boolean {
  const best = bestOf(history)
  return best !== null && validations(history).filter(({ step }) => step > best.step).length >= patience
}
