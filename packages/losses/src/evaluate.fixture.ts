import { testDevice } from '@outrider/tensor/testing'
import type { DistillationLoss } from './distillation-loss'
import { type Evaluated, type Extra, evaluateLoss } from './testing/evaluate'

/** A loss of `rows` rows of logits on the test device: its value, gradient, α and statistics, read. */
export const evaluate = async (
  loss: DistillationLoss,
  draft: Float32Array,
  target: Float32Array,
  rows: number,
  extra: Extra = {},
): Promise<Evaluated> => evaluateLoss(await testDevice(), loss, draft, target, rows, extra)
