import { defineRowLoss, type RowLoss } from '../row-loss/row-loss'

/** ln p − ln q, where a logit of −∞ counts as a log-probability of −10⁴: −∞ − (−∞) is no number. */
const logRatio = 'max(logP, -1.0e4) - max(logQ, -1.0e4)'

/**
 * Reverse Kullback–Leibler divergence KL(p ‖ q) = Σ p (ln p − ln q) (Gu et al. 2023, arXiv 2306.08543), in nats. It is infinite
 * where the target leaves out a token (a logit of −∞) that the draft does not; such a token counts as one of ln q = −10⁴.
 */
export const reverseKld: RowLoss = defineRowLoss({
  name: 'reverse-kld',
  sums: { divergence: `p * (${logRatio})` },
  value: 'divergence',
  weight: logRatio,
})
