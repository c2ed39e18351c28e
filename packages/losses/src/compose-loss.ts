import type { Tensor } from '@outrider/tensor'
import { withoutGradients } from '@outrider/tensor/internal'
import { acceptanceRates } from './acceptance-rates'
import type { DistillationInputs, DistillationLoss } from './distillation-loss'
import { rowMean } from './row-mean'

export interface ComposeOptions {
  /**
   * What the loss pools over all rows of a step: sums over the rows that count, of any shape, which are added up over the parts
   * of a step. `value` finds them in `pooled`, as constants.
   */
  pool?: ((inputs: DistillationInputs) => Tensor) | undefined
}

/**
 * A loss composed of ordinary tensor operations: slower than a row loss, and free.
 *
 * @param value  the mean loss over the rows that count, a scalar, from the inputs; differentiable in `draftLogits`.
 *   `rowMean` makes it of the losses of rows.
 * @param options.pool  what it pools over a step, where it does
 */
export function composeLoss(
  name: string,
  value: (inputs: DistillationInputs) => Tensor,
  { pool }: ComposeOptions = {},
): DistillationLoss {
  return {
    name,
    ...(pool && { pool }),
    evaluate(inputs) {
      const { draftLogits, targetLogits, vocabularySize, mask } = inputs
      const { device } = draftLogits
      const pooled = inputs.pooled ?? (pool && withoutGradients(device, () => device.scope(() => pool(inputs))))
      const result = { value: value({ ...inputs, pooled }), statistics: {} }
      if (!targetLogits) return result
      const acceptanceRate = device.scope(() =>
        rowMean(acceptanceRates(draftLogits, targetLogits, vocabularySize), mask),
      )
      return { ...result, acceptanceRate }
    },
  }
}
