import { defineRowLoss, type RowLoss } from '../row-loss/row-loss'

/** Reverse Kullback–Leibler divergence KL(p ‖ q) = Σ p (ln p − ln q) (Gu et al. 2023, arXiv 2306.08543), in nats. */
export const reverseKld: RowLoss = defineRowLoss({
  name: 'reverse-kld',
  sums: { divergence: 'p * (logP - logQ)' },
  value: 'divergence',
  weight: 'logP - logQ',
})
