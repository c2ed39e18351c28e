import { defineRowLoss, type RowLoss } from '../row-loss/row-loss'

/**
 * Forward Kullback–Leibler divergence KL(q ‖ p) = Σ q (ln q − ln p) (Hinton et al. 2015, arXiv 1503.02531), in nats.
 * In the logits its gradient is p − q. A token that the target leaves out (a logit of −∞) adds nothing: 0 ln 0 = 0.
 */
export const kld: RowLoss = defineRowLoss({
  name: 'kld',
  sums: { divergence: 'select(0.0, q * (logQ - logP), q > 0.0)' },
  value: 'divergence',
  weightedMass: '-q',
})
