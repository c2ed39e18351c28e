import { defineRowLoss, type RowLoss } from '../row-loss/row-loss'

/**
 * Forward Kullback–Leibler divergence KL(q ‖ p) = Σ q (ln q − ln p) (Hinton et al. 2015, arXiv 1503.02531), in nats.
 * In the logits its gradient is p − q.
 */
export const kld: RowLoss = defineRowLoss({
  name: 'kld',
  sums: { divergence: 'q * (logQ - logP)' },
  value: 'divergence',
  weightedMass: '-q',
})
