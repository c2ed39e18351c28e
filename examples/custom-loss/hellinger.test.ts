import { kld, weightedSum } from '@outrider/losses'
import { checkLoss, type LossFormula } from '@outrider/losses/testing'
import { testDevice } from '@outrider/tensor/testing'
import { describe, it } from 'vitest'
import { hellinger } from './hellinger'

/** 1 − Σ √(p q), in float64. */
const distance: LossFormula = ({ p, q }) => 1 - p.reduce((sum, x, i) => sum + Math.sqrt(x * q[i]!), 0)
const divergence: LossFormula = ({ q, logQ, logP }) => q.reduce((sum, x, i) => sum + x * (logQ[i]! - logP[i]!), 0)

describe('the Hellinger loss', () => {
  it('keeps what DistillationLoss promises, with the value and the gradient of its formula', async () =>
    checkLoss(hellinger, { device: await testDevice(), formula: distance }))

  it('does so in a weighted sum', async () => {
    const sum = weightedSum([
      [hellinger, 2],
      [kld, 0.5],
    ])
    const formula: LossFormula = (at, fixed) => 2 * distance(at, fixed) + 0.5 * divergence(at, fixed)
    await checkLoss(sum, { device: await testDevice(), formula })
  })
})
