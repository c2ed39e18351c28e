import { defineRowLoss, type RowLoss } from '../row-loss/row-loss'

/**
 * Total variation distance ½ Σ |p − q| = 1 − Σ min(p, q) = 1 − α: the chance that a draft is rejected. Its gradient is
 * E_{x∼p}[∇ln p(x) · (−r(x))] with the reward r(x) = 1{q(x) > p(x)} (Goel et al. 2024, arXiv 2403.00858).
 */
export const tvd: RowLoss = defineRowLoss({
  name: 'tvd',
  value: '1.0 - alpha',
  weight: 'select(0.0, -1.0, q > p)',
})
