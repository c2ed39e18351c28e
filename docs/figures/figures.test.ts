import { kld, tvd } from '@outrider/losses'
import { expectedTokens } from '@outrider/speculative'
import { expectAllClose, testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import { blocks, frequencies } from './exactness'
import { gradientsOf, probabilities, q as targetProbability, valuesOf } from './loss-curves'
import { acceptanceWhileLearning } from './narrow-draft'
import { p, q } from './toy'
import { tokensPerBlock } from './verification'

describe('what the pictures show', () => {
  it('is the target distribution, under both rules', () => {
    for (const rule of ['token', 'block'] as const)
      for (const [symbol, share] of frequencies(rule).entries()) {
        const deviation = Math.sqrt((q[symbol]! * (1 - q[symbol]!)) / blocks)
        expect(Math.abs(share - q[symbol]!)).toBeLessThan(4.5 * deviation)
      }
  })

  it('is the expected number of tokens, and more of them by the block', () => {
    const alpha = p.reduce((sum, _, x) => sum + Math.min(p[x]!, q[x]!), 0)
    expect(alpha).toBeCloseTo(0.75)
    for (const draftLength of [1, 4, 8])
      expect(tokensPerBlock('token', draftLength)).toBeCloseTo(
        expectedTokens(() => alpha, draftLength),
        1,
      )
    for (const draftLength of [3, 8])
      expect(tokensPerBlock('block', draftLength)).toBeGreaterThan(tokensPerBlock('token', draftLength) + 0.05)
  })

  it('is what the formulas of the losses say', async () => {
    const device = await testDevice()
    const q = targetProbability
    const divergence = probabilities.map((p) => q * Math.log(q / p) + (1 - q) * Math.log((1 - q) / (1 - p)))
    await expectAllClose(await valuesOf(device, kld), divergence, { absolute: 1e-4, relative: 1e-3 })
    await expectAllClose(
      await gradientsOf(device, kld),
      probabilities.map((p) => p - q),
      { absolute: 1e-4 },
    )
    const distance = probabilities.map((p) => Math.abs(p - q))
    await expectAllClose(await valuesOf(device, tvd), distance, { absolute: 1e-4, relative: 1e-3 })
    const apart = probabilities.map((p) => (Math.abs(p - q) < 0.005 ? 0 : Math.sign(p - q) * p * (1 - p)))
    const measured = (await gradientsOf(device, tvd)).map((value, row) => (apart[row] === 0 ? 0 : value))
    await expectAllClose(measured, apart, { absolute: 1e-4, relative: 1e-3 })
  })

  it('is a small draft that ends with more acceptance under TVD than under KLD', async () => {
    const device = await testDevice()
    const underKld = (await acceptanceWhileLearning(device, kld)).at(-1)!
    const underTvd = (await acceptanceWhileLearning(device, tvd)).at(-1)!
    // 0.7 and 0.8 are the optima of the two losses for these targets.
    expect(underKld).toBeCloseTo(0.7, 2)
    expect(underTvd).toBeGreaterThan(0.77)
  })
})
