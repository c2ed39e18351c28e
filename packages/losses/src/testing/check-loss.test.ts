import { type Device, defineKernel, type Tensor } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import type { DistillationLoss } from '../distillation-loss'
import { defineRowLoss, kld, tvdPlusPlus } from '../index'
import { checkLoss } from './check-loss'
import type { LossFormula } from './position'

let device: Device
beforeAll(async () => {
  device = await testDevice()
})

const formula: LossFormula = ({ q, logQ, logP }) => q.reduce((sum, x, i) => sum + x * (logQ[i]! - logP[i]!), 0)

/** KLD, but for what is given. */
const changed = (change: Partial<DistillationLoss>): DistillationLoss => ({
  name: 'changed',
  evaluate: (inputs) => kld.evaluate(inputs),
  evaluateHeads: (inputs) => kld.evaluateHeads!(inputs),
  ...change,
})

const numbersKernel = defineKernel({
  name: 'numbers',
  source: `
    @group(0) @binding(0) var<storage, read> x: array<f32>;
    @group(0) @binding(1) var<storage, read_write> y: array<f32>;
    @compute @workgroup_size(1) fn main() { y[0] = select(0.0, x[0], x[0] >= 0.0); }`,
})

/** A number that is 0 or more, and 0 where it is none. */
function numberOf(x: Tensor): Tensor {
  const y = device.empty(x.shape)
  device.run(numbersKernel, { bindings: { x, y }, workgroups: [1, 1, 1] })
  return y
}

describe('a loss', () => {
  it('that keeps what DistillationLoss promises passes', () => checkLoss(kld, { device, formula }))

  it('that its author has the formula of wrong is told', async () => {
    const half: LossFormula = (at, fixed) => 0.5 * formula(at, fixed)
    await expect(checkLoss(kld, { device, formula: half })).rejects.toThrow(/Loss kld .*value, ordinary, 3 tokens/)
  })

  it.each<[string, () => DistillationLoss]>([
    [
      'value and gradient are the formula',
      () => {
        const { definition } = kld.terms[0]!
        return defineRowLoss({ ...definition, name: 'changed', weightedMass: '-0.9 * q' })
      },
    ],
    [
      'it is the mean over the rows that count',
      () => changed({ evaluate: ({ mask: _, ...inputs }) => kld.evaluate(inputs) }),
    ],
    [
      'columns from the vocabulary',
      () => changed({ evaluate: ({ vocabularySize: _, ...inputs }) => kld.evaluate(inputs) }),
    ],
    [
      'of hidden states and heads it is what it is',
      () => changed({ evaluateHeads: ({ mask: _, ...inputs }) => kld.evaluateHeads!(inputs) }),
    ],
    [
      'a step in several parts is the step',
      () => {
        const { pool: _, ...loss } = tvdPlusPlus()
        return loss
      },
    ],
    [
      'logits that are no numbers',
      () =>
        changed({
          evaluate(inputs) {
            const result = kld.evaluate(inputs)
            return { ...result, acceptanceRate: numberOf(result.acceptanceRate!) }
          },
        }),
    ],
    [
      'computed again it has the same bits, and leaves nothing',
      () =>
        changed({
          evaluate(inputs) {
            device.zeros([1]).keep()
            return kld.evaluate(inputs)
          },
        }),
    ],
  ])('that breaks a promise is told: %s', async (promise, make) => {
    const loss = make()
    const options = { device, ...(loss.name === 'changed' && { formula }) }
    await expect(checkLoss(loss, options)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: { promise: expect.stringContaining(promise) },
    })
  })
})
