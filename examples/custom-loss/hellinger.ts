import { defineRowLoss } from '@outrider/losses'

/**
 * The squared Hellinger distance between the draft's p and the target's q,
 *
 *   H² = 1 − Σ √(p q),   ∂H²/∂p(x) = −½ √(q(x) / p(x)),
 *
 * a bounded divergence that, unlike TVD, is smooth where p = q. The weight is given as p(x)·w(x) = −½ √(p q), which is safe
 * where p is tiny. This file is all there is to a loss: the softmaxes, the Jacobian, masks, the mean and the report of α are
 * the library's.
 */
export const hellinger = defineRowLoss({
  name: 'hellinger',
  sums: { affinity: 'sqrt(p * q)' },
  value: '1.0 - affinity',
  weightedMass: '-0.5 * sqrt(p * q)',
})
