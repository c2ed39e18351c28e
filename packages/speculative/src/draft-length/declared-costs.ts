import type { StepCosts } from './step-costs'

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
}: {
  /** Parameters of the drafter over those of the target. */
  parameterRatio: number
  /** Whether the adapter computes on a processor. */
  isSoftware: boolean
}): StepCosts {
  const seconds = isSoftware ? passes.processor : passes.gpu
  return {
    draftSeconds: parameterRatio,
    targetSeconds: [1, 2, 4, 8, 16].map((rows, i) => ({ rows, seconds: seconds[i]! })),
  }
}
