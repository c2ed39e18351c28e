import { defineKernel, log, max, rowReduction, softmax, subtract, type Tensor } from '@outrider/tensor'
import { rowVectors, runOverRowVectors } from '@outrider/tensor/internal'
import source from './covered-rates.wgsl'

/**
 * ln Σ exp of rows of logits: with it, q of any id is known from that id's logit alone. As max − ln max softmax, which is finite
 * wherever a logit is.
 *
 * @param logits  f32 [rows, vocabulary]
 * @returns f32 [rows]
 */
export const logNormalizers = (logits: Tensor): Tensor =>
  logits.device.scope(() => subtract(max(logits, { axis: 1 }), log(max(softmax(logits), { axis: 1 }))))

const kernel = defineKernel({ name: 'coveredRates', source, uses: [rowReduction, rowVectors] })

/**
 * α = Σ min(p, q) over covered ids, p being the draft's distribution over them and q the target's own, of which they have a share.
 *
 * @param logits.draftLogits      f32 [rows, covered]
 * @param logits.targetLogits     f32 [rows, covered]
 * @param logits.logNormalizers   f32 [rows]: ln Σ exp of the target's logits of all ids
 * @returns f32 [rows]. Not differentiable.
 */
export function coveredRates(logits: { draftLogits: Tensor; targetLogits: Tensor; logNormalizers: Tensor }): Tensor {
  const { draftLogits, targetLogits, logNormalizers } = logits
  const { device } = draftLogits
  const rates = device.empty([draftLogits.shape[0]!])
  device.run(kernel, {
    bindings: { draft_logits: draftLogits, target_logits: targetLogits, log_normalizers: logNormalizers, rates },
    ...runOverRowVectors(draftLogits),
  })
  return rates
}
