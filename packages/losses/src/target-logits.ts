import { headLogits, OutriderError, type Tensor } from '@outrider/tensor'
import { rowLogits } from '@outrider/tensor/internal'
import type { TargetOutputs } from './distillation-loss'

/** A target's logits of rows, over the vocabulary; over the covered ids where `logNormalizers` comes with them. */
export interface TargetLogits {
  targetLogits: Tensor
  logNormalizers?: Tensor | undefined
}

/** The target's logits of all rows that its states are of. */
export function targetLogitsOf(target: TargetOutputs): TargetLogits {
  if ('logits' in target) return { targetLogits: target.logits }
  if ('ids' in target)
    throw new OutriderError(
      'INVALID_ARGUMENT',
      'Of the target k tokens a row are known, and the loss needs the whole distribution.',
      {
        remedy: 'Take a row loss (defineRowLoss, or a built-in one), or a target that gives logits.',
      },
    )
  if (!('logNormalizers' in target)) return { targetLogits: headLogits(target.head, target.hidden) }
  return { targetLogits: rowLogits(target.head, target.hidden), logNormalizers: target.logNormalizers }
}
