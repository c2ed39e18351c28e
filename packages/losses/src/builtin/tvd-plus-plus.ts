import { OutriderError } from '@outrider/tensor'
import type { Scope } from '../row-loss/definition'
import { defineRowLoss, type RowLoss } from '../row-loss/row-loss'

export interface TvdPlusPlusOptions {
  /**
   * Over which positions the reward's mean μ and standard deviation σ are taken: each alone, those of a sequence
   * (`sequenceLength` rows), or all of an optimiser step, however it is divided (`pooledSums`). Default 'batch'.
   */
  scope?: Scope
  /**
   * 'exact' takes the expectation over the vocabulary; 'sampled' draws one token a position from p, as policy gradients do,
   * and takes μ and σ of the drawn rewards. Default 'exact'.
   */
  estimator?: 'exact' | 'sampled'
}

/** Where the reward does not vary there is nothing to learn from it, and 1/σ must not blow up rounding errors. */
const smallestSigma = 0.01

/**
 * TVD++ (Goel et al. 2024, arXiv 2403.00858): the policy-gradient form of TVD with the reward normalised,
 * E_{x∼p}[∇ln p(x) · (−(r(x) − μ)/σ)], r(x) = 1{q(x) > p(x)}. Over the N positions t of the scope that the mask counts (with
 * scope 'batch', those of all rows of the optimiser step, whatever batches its gradient is added up of), μ is the mean
 * (1/N) Σ_t E_{x∼p_t}[r_t(x)] (exact) or that of r at the drawn tokens (sampled); σ² is the pooled variance
 * (1/N) Σ_t E_{x∼p_t}[(r_t(x) − μ)²], which is μ − μ² as r is 0 or 1, and σ at least 0.01. σ is logged. Neither is
 * differentiated.
 *
 * Beware: with the exact expectation Σ p ∇ln p = 0, so μ cancels, and TVD++ is TVD/σ: a learning rate that adapts to how
 * often the draft is below the target. Only the sampled estimator feels μ, as a baseline that lowers its variance. The value
 * reported is TVD/σ in both.
 */
export function tvdPlusPlus({ scope = 'batch', estimator = 'exact' }: TvdPlusPlusOptions = {}): RowLoss {
  const sampled = estimator === 'sampled'
  if (sampled && scope === 'position')
    throw new OutriderError(
      'INVALID_ARGUMENT',
      'tvdPlusPlus: one drawn token has no spread, so the sampled estimator needs a wider scope.',
      {
        remedy: "Use scope 'sequence' or 'batch'.",
      },
    )
  const sigma = `max(sqrt(max(mean_reward - mean_reward * mean_reward, 0.0)), ${smallestSigma})`
  const mass = sampled ? 'isDrawn' : 'p'
  return defineRowLoss({
    name: ['tvd++', scope !== 'batch' && scope, sampled && 'sampled'].filter(Boolean).join('-'),
    sums: { reward: `${mass} * select(0.0, 1.0, q > p)` },
    pooled: { names: ['reward'], scope },
    value: `(1.0 - alpha) / ${sigma}`,
    weightedMass: `-${mass} * (select(0.0, 1.0, q > p) - mean_reward) / ${sigma}`,
    statistics: { sigma },
    draws: sampled,
  })
}
