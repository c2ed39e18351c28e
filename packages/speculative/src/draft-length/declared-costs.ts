import { type StepCosts, targetPassSeconds } from './step-costs'

/** Passes of the target by rows, over one row: about what large models take (the repository's BENCHMARKS.md). */
const passes = {
  processor: [1, 1.1, 1.3, 1.7, 2.5],
  gpu: [1, 1, 1.05, 1.15, 1.3],
}

/**
 * Costs that are said and not measured: the same for the same models and kind of adapter, whatever else the machine does. A
 * draft step costs its share of the parameters, a pass of the target one, and more rows what they do about anywhere. Only
 * ratios mean something.
 */
export function declaredCosts({
  parameterRatio,
  isSoftware,
  sequences = 1,
}: {
  /** Parameters of the drafter over those of the target. */
  parameterRatio: number
  /** Whether the adapter computes on a processor. */
  isSoftware: boolean
  /** How many are decoded together, each of which is drafted for by itself: seconds are those of a step of them all. Default 1. */
  sequences?: number | undefined
}): StepCosts {
  const seconds = isSoftware ? passes.processor : passes.gpu
  const targetSeconds = rowCounts.map((rows, i) => ({ rows, seconds: seconds[i]! }))
  const alone = { draftSeconds: parameterRatio, targetSeconds }
  return {
    draftSeconds: sequences * parameterRatio,
    targetSeconds: rowCounts.map((rows) => ({ rows, seconds: targetPassSeconds(alone, sequences * rows) })),
  }
}

const rowCounts = [1, 2, 4, 8, 16]
