import { OutriderError } from '@outrider/tensor'
import { compareVocabularies } from '@outrider/transformer'
import type { Target } from '../decoder'
import type { Drafter } from './drafter'
import { modelDrafter } from './model-drafter'

/**
 * A drafter for a target: of a model, one that drafts with it.
 *
 * @throws OutriderError VOCABULARY_MISMATCH for a model with other tokens than the target's; INVALID_ARGUMENT for one on another device
 */
export function asDrafter(target: Target, drafter: Target | Drafter): Drafter {
  if ('open' in drafter) return drafter
  compareVocabularies(target, drafter)
  if (drafter.model.device !== target.model.device)
    throw new OutriderError('INVALID_ARGUMENT', 'Draft and target are on different devices.', {
      remedy: 'Load both with the same device.',
    })
  return modelDrafter(drafter.model, { name: drafter.source })
}
