import { madeUpTokens } from '@outrider/transformer'
import type { Drafter } from './drafter'

/** Drafts anything at no cost, so that a pass of the target is measured, or compiled, alone. */
export const madeUpDrafts: Drafter = {
  name: 'made up',
  parameterCount: 0,
  open: ({ vocabularySize }) => ({
    draft: ({ draftLength }) => ({ ids: madeUpTokens(draftLength, vocabularySize) }),
    keep() {},
    dispose() {},
  }),
}
