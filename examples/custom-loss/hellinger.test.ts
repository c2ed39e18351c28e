import { distillationLoss, kld, weightedSum } from '@outrider/losses'
import { uniform01 } from '@outrider/tensor'
import { checkGradient, expectAllClose, testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import { hellinger } from './hellinger'

const logits = (stream: number) => Float32Array.from({ length: 4 * 9 }, (_, i) => 4 * uniform01(stream, i) - 2)

const softmaxRow = (z: Float32Array) => {
  const e = Array.from(z, Math.exp)
  const total = e.reduce((a, b) => a + b, 0)
  return e.map((x) => x / total)
}

describe('the Hellinger loss', () => {
  it('is 1 − Σ √(p q), the mean over positions, and reports α', async () => {
    const device = await testDevice()
    using draftLogits = device.tensor(logits(1), { shape: [4, 9] })
    using targetLogits = device.tensor(logits(2), { shape: [4, 9] })
    const { value, acceptanceRate } = distillationLoss(hellinger, { draftLogits, targetLogits })
    const rows = [0, 1, 2, 3].map(
      (r) => [1, 2].map((stream) => softmaxRow(logits(stream).subarray(r * 9, (r + 1) * 9))) as [number[], number[]],
    )
    const mean = (of: (p: number[], q: number[]) => number) => rows.reduce((sum, [p, q]) => sum + of(p, q) / 4, 0)
    await expectAllClose(value, [mean((p, q) => 1 - p.reduce((sum, x, i) => sum + Math.sqrt(x * q[i]!), 0))], {
      relative: 1e-5,
    })
    await expectAllClose(acceptanceRate!, [mean((p, q) => p.reduce((sum, x, i) => sum + Math.min(x, q[i]!), 0))], {
      relative: 1e-5,
    })
    value.dispose()
    acceptanceRate!.dispose()
  })

  it('has the gradient that finite differences give, alone and in a weighted sum', async () => {
    const device = await testDevice()
    using targetLogits = device.tensor(logits(2), { shape: [4, 9] })
    using draftLogits = device.tensor(logits(1), { shape: [4, 9] })
    for (const loss of [
      hellinger,
      weightedSum([
        [hellinger, 2],
        [kld, 0.5],
      ]),
    ])
      await checkGradient((z) => distillationLoss(loss, { draftLogits: z, targetLogits }).value, [draftLogits], {
        absolute: 1e-3,
      })
    expect(hellinger.name).toBe('hellinger')
  })
})
