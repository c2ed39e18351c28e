import { OutriderError } from '@outrider/tensor'
import { defineRowLoss, type RowLoss } from '../row-loss/row-loss'

/**
 * λ KL(q ‖ p) + (1 − λ) TV(p, q) with λ = exp(−η α), taken as a constant in the gradient (LK losses, arXiv 2602.23881):
 * KL while the two are far apart, TV when drafts are mostly accepted.
 *
 * @param eta  η ≥ 0: how fast TV takes over; default 3
 */
export function klTvHybrid(eta = 3): RowLoss {
  if (!(eta >= 0 && Number.isFinite(eta)))
    throw new OutriderError('INVALID_ARGUMENT', `klTvHybrid: η must be 0 or more, not ${eta}.`)
  const lambda = `exp(-f32(${eta}) * alpha)`
  return defineRowLoss({
    name: `kl-tv-hybrid(${eta})`,
    sums: { divergence: 'select(0.0, q * (logQ - logP), q > 0.0)' },
    value: `${lambda} * divergence + (1.0 - ${lambda}) * (1.0 - alpha)`,
    weightedMass: `-${lambda} * q - (1.0 - ${lambda}) * select(0.0, p, q > p)`,
    statistics: { lambda },
  })
}
