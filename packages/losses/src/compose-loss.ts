import type { Tensor } from '@outrider/tensor'
import { acceptanceRates } from './acceptance-rates'
import type { DistillationInputs, DistillationLoss } from './distillation-loss'
import { rowMean } from './row-mean'

/**
 * A loss composed of ordinary tensor operations: slower than a row loss, and free.
 *
 * @param value  the mean loss over the rows that count, a scalar, from the inputs; differentiable in `draftLogits`.
 *   `rowMean` makes it of the losses of rows.
 */
export function composeLoss(name: string, value: (inputs: DistillationInputs) => Tensor): DistillationLoss {
  return {
    name,
    evaluate(inputs) {
      const { draftLogits, targetLogits, vocabularySize, mask } = inputs
      const result = { value: value(inputs), statistics: {} }
      if (!targetLogits) return result
      const acceptanceRate = draftLogits.device.scope(() =>
        rowMean(acceptanceRates(draftLogits, targetLogits, vocabularySize), mask),
      )
      return { ...result, acceptanceRate }
    },
  }
}
