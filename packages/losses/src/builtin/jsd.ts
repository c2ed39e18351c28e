import { OutriderError } from '@outrider/tensor'
import { defineRowLoss, type RowLoss } from '../row-loss/row-loss'

/**
 * Generalised Jensen–Shannon divergence β KL(q ‖ m) + (1 − β) KL(p ‖ m) with m = β q + (1 − β) p (Agarwal et al. 2023,
 * arXiv 2306.13649). Towards β = 0 its gradient is that of forward KL, towards 1 of reverse KL. ∂/∂p(x) = (1 − β) ln(p/m).
 *
 * @param beta  β, in (0, 1); default ½
 */
export function jsd(beta = 0.5): RowLoss {
  if (!(beta > 0 && beta < 1))
    throw new OutriderError('INVALID_ARGUMENT', `jsd: β must be between 0 and 1, not ${beta}.`)
  const [b, c] = [`f32(${beta})`, `f32(${1 - beta})`]
  const logM = `log(max(${b} * q + ${c} * p, 1.0e-37))`
  return defineRowLoss({
    name: `jsd(${beta})`,
    sums: { divergence: `${b} * q * (max(logQ, -85.0) - ${logM}) + ${c} * p * (max(logP, -85.0) - ${logM})` },
    value: 'divergence',
    weight: `${c} * (max(logP, -85.0) - ${logM})`,
  })
}
