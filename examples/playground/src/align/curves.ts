import type { LogEntry } from '@outrider/training'

/** What was measured at a step of the whole training. */
export interface Point {
  /** Steps of pretraining and of distillation, one after the other. */
  step: number
  loss: number | null
  heldOutLoss: number | null
  acceptanceRate: number | null
  heldOutAcceptanceRate: number | null
  /** Simulated acceptance length by draft length γ. */
  acceptanceLength: Readonly<Record<number, number>> | null
}

/** A training of several, one after the other: what it logged, and the steps of those before it. */
export interface LoggedPart {
  offset: number
  entries: readonly LogEntry[]
}

/** The points of a run in their order; a step that was also measured on held-out answers is one point. */
export function pointsOf(parts: readonly LoggedPart[]): Point[] {
  const points = new Map<number, Point>()
  for (const { offset, entries } of parts)
    for (const entry of entries) {
      const step = offset + entry.step
      const before = points.get(step)
      points.set(step, {
        step,
        loss: entry.loss ?? before?.loss ?? null,
        heldOutLoss: entry.eval_loss ?? before?.heldOutLoss ?? null,
        acceptanceRate: entry.acceptance_rate ?? before?.acceptanceRate ?? null,
        heldOutAcceptanceRate: entry.eval_acceptance_rate ?? before?.heldOutAcceptanceRate ?? null,
        acceptanceLength: entry.eval_acceptance_length ?? before?.acceptanceLength ?? null,
      })
    }
  return [...points.values()]
}

/** The mean of each value and of those up to `width` − 1 before it that are there; null where there is none at the place. */
export function runningMean(values: readonly (number | null)[], width = 7): (number | null)[] {
  return values.map((value, i) => {
    if (value === null) return null
    const some = values.slice(Math.max(0, i - width + 1), i + 1).filter((other) => other !== null)
    return some.reduce((sum, other) => sum + other, 0) / some.length
  })
}
