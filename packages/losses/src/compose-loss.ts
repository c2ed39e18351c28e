import { divide, mean, multiply, sum, type Tensor } from '@outrider/tensor'
import { acceptanceRates } from './acceptance-rates'
import type { DistillationInputs, DistillationLoss } from './distillation-loss'

/**
 * A loss composed of ordinary tensor operations: slower than a row loss, and free.
 *
 * @param value  the mean loss over the rows that count, a scalar, from the inputs; differentiable in `draftLogits`
 */
export function composeLoss(name: string, value: (inputs: DistillationInputs) => Tensor): DistillationLoss {
  return {
    name,
    evaluate(inputs) {
      const { draftLogits, targetLogits, mask } = inputs
      const result = { value: value(inputs), statistics: {} }
      if (!targetLogits) return result
      const rates = acceptanceRates(draftLogits, targetLogits)
      const acceptanceRate = mask ? divide(sum(multiply(rates, mask)), sum(mask)) : mean(rates)
      return { ...result, acceptanceRate }
    },
  }
}
