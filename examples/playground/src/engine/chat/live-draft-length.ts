import {
  autoDraftLength,
  type BlockObservation,
  type DraftLengthPolicy,
  fixedDraftLength,
  type StepCosts,
} from '@outrider/speculative'
import type { ChatSettings } from './settings'

/**
 * A draft length that follows the settings from block to block: none while speculation is off. The sequence and its random
 * numbers go on, so a sentence that was begun with speculation is ended without.
 *
 * @param costs    what steps cost, for 'auto', which begins anew when it is known better
 * @param observe  sees every block with its time
 */
export function liveDraftLength(
  settings: () => ChatSettings,
  costs: () => StepCosts,
  observe: (block: BlockObservation) => void,
): DraftLengthPolicy {
  let known = costs()
  let auto = autoDraftLength({ costs: known })
  return {
    next(offers) {
      const { speculate, draftLength } = settings()
      if (!speculate) return null
      if (known !== costs()) {
        known = costs()
        auto = autoDraftLength({ costs: known })
      }
      return (draftLength === 'auto' ? auto : fixedDraftLength(draftLength)).next(offers)
    },
    observe(block) {
      // What is plain by order says nothing of when drafting pays.
      if (settings().speculate) auto.observe(block)
      observe(block)
    },
  }
}
