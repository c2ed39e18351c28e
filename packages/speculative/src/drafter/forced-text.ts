import type { LogitsProcessor } from '@outrider/transformer'
import type { Drafter } from './drafter'
import { firstOf } from './first-of'
import { lookupSession } from './lookup-session'

/** Of ids that a text without choice is spelt with: the target may cut it in another way. */
const acceptance = 0.95

/**
 * Who drafts for a sequence: where its constraint leaves no choice of text, the constraint itself, which costs no pass of a model;
 * elsewhere the drafter.
 */
export function withForcedText(drafter: Drafter, processor: LogitsProcessor | undefined): Drafter {
  return processor?.isConstrained ? firstOf(forcedText(processor), drafter) : drafter
}

const forcedText = (processor: LogitsProcessor): Drafter => ({
  name: 'constraint',
  parameterCount: 0,
  open: () =>
    lookupSession('constraint', {
      find: (_, limit) => {
        const ids = processor.forced(limit)
        return ids.length === 0 ? null : { ids, kind: '', acceptance: ids.map(() => acceptance) }
      },
    }),
})
