import type { OnPolicyFigures } from '../loop/log'
import type { StepBatch } from '../loop/objective'

/** What of a step's positions the draft has drawn itself, and α apart; nothing where it has drawn none. */
export function onPolicyFigures(
  batches: readonly StepBatch[],
  rates: { on_policy_acceptance_rate?: number | undefined; data_acceptance_rate?: number | undefined },
): OnPolicyFigures | undefined {
  let drawn = 0
  let all = 0
  for (const batch of batches)
    for (const weight of batch.lossMask) {
      all += weight
      if (batch.drawn) drawn += weight
    }
  if (drawn === 0) return undefined
  const { on_policy_acceptance_rate, data_acceptance_rate } = rates
  return {
    share: drawn / all,
    ...(on_policy_acceptance_rate !== undefined && { acceptance_rate: on_policy_acceptance_rate }),
    ...(data_acceptance_rate !== undefined && { data_acceptance_rate }),
  }
}
