import { defineRowLoss, type RowLoss } from '../row-loss/row-loss'

/** −ln α, α = Σ min(p, q): the likelihood form of acceptance (LK losses, arXiv 2602.23881). Its gradient is TVD's, over α.
 * An α below 1e-30 counts as 1e-30. */
export const negativeLogAcceptance: RowLoss = defineRowLoss({
  name: 'negative-log-acceptance',
  value: '-log(max(alpha, 1.0e-30))',
  weight: 'select(0.0, -1.0, q > p) / max(alpha, 1.0e-30)',
})
