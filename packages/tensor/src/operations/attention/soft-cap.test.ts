import { describe, expect, it } from 'vitest'
import { valueAndGradient } from '../../autograd/value-and-gradient'
import { expectAllClose, testDevice } from '../../testing'
import { multiply } from '../pointwise/binary'
import { cast } from '../pointwise/cast'
import { sum } from '../reduce/sum'
import { attention } from './attention'
import { attentionInFloat64, causal, randomNumbers } from './attention.fixture'

const shape = { batch: 2, rows: 9, heads: 4, keys: 21, kvHeads: 2, headDim: 8 }
const [qShape, kvShape] = [
  [2, 9, 4, 8],
  [2, 21, 2, 8],
]
/** Scores far beyond the cap and far below it. */
const q = randomNumbers(2 * 9 * 4 * 8, 1, 6)
const k = randomNumbers(2 * 21 * 2 * 8, 2, 6)
const v = randomNumbers(2 * 21 * 2 * 8, 3)
const dout = randomNumbers(q.length, 4)
/** Numbers that f16 has. */
const rounded = (x: Float32Array) => Float32Array.from(x, (value) => Math.round(64 * value) / 64)

describe('a soft-cap of attention', () => {
  it.each([
    ['shared', 5, undefined],
    [undefined, 5, undefined],
    [undefined, 50, 6],
    ['shared', 0.5, 6],
  ] as const)(
    'agrees with float64 in values and every gradient (kernel %s, cap %s, window %s)',
    async (kernel, softCap, window) => {
      const device = await testDevice()
      const expected = attentionInFloat64({ q, k, v, dout }, shape, { sees: causal([12, 12], window), softCap })
      const inputs = {
        q: device.tensor(q, { shape: qShape! }),
        k: device.tensor(k, { shape: kvShape! }),
        v: device.tensor(v, { shape: kvShape! }),
      }
      const { gradients, aux: out } = valueAndGradient(inputs, (p) => {
        const out = attention(p.q, p.k, p.v, { start: 12, window, softCap, kernel })
        return { value: sum(multiply(out, device.tensor(dout, { shape: qShape! }))), aux: out }
      })
      const tolerance = { absolute: 1e-4, relative: 1e-3 }
      await expectAllClose(out, expected.out, tolerance)
      await expectAllClose(gradients.q, expected.dq, tolerance)
      await expectAllClose(gradients.k, expected.dk, tolerance)
      await expectAllClose(gradients.v, expected.dv, tolerance)
    },
  )

  it.each([undefined, 'shared', 'decoding'] as const)(
    'agrees with float64 over a cache in splits, with starts by sequence, in f32 and f16 (kernel %s)',
    async (kernel) => {
      const device = await testDevice()
      const [q16, k16, v16] = [q, k, v].map(rounded) as [Float32Array<ArrayBuffer>, ...Float32Array<ArrayBuffer>[]]
      const expected = attentionInFloat64({ q: q16, k: k16!, v: v16! }, shape, {
        sees: causal([3, 12]),
        softCap: 5,
        scale: 0.2,
      })
      for (const dtype of ['f32', 'f16'] as const) {
        const out = device.scope(() =>
          cast(
            attention(
              device.tensor(q16, { shape: qShape!, dtype }),
              device.tensor(k16!, { shape: kvShape!, dtype }),
              device.tensor(v16!, { shape: kvShape!, dtype }),
              { start: device.tensor([3, 12], { dtype: 'u32' }), softCap: 5, scale: 0.2, span: 8, kernel },
            ),
            'f32',
          ),
        )
        await expectAllClose(out, expected.out, dtype === 'f32' ? { absolute: 5e-5 } : { absolute: 2e-3 })
        out.dispose()
      }
    },
  )

  it('of scores far beyond it is the cap itself, with gradients of zero', async () => {
    const device = await testDevice()
    const k = Float32Array.of(1, 1, 1, 1, -1, -1, -1, -1)
    const inputs = {
      q: device.full([1, 1, 1, 4], 1e18),
      k: device.tensor(
        Float32Array.from(k, (x) => 1e18 * x),
        { shape: [1, 2, 1, 4] },
      ),
      v: device.tensor([1, 1, 1, 1, 0, 0, 0, 0]).reshape([1, 2, 1, 4]),
    }
    const { value, gradients } = valueAndGradient(inputs, (p) =>
      sum(attention(p.q, p.k, p.v, { start: 1, softCap: 1 })),
    )
    const chance = 1 / (1 + Math.exp(-2))
    await expectAllClose(value, [4 * chance])
    expect([...(await gradients.q.data()), ...(await gradients.k.data())].every((x) => x === 0)).toBe(true)
    await expectAllClose(gradients.v, [chance, chance, chance, chance, 1 - chance, 1 - chance, 1 - chance, 1 - chance])
  })

  it.each([undefined, 'shared'] as const)(
    'leaves a row of NaN as NaN, and the others alone (kernel %s)',
    async (kernel) => {
      const device = await testDevice()
      using q = device.tensor([Number.NaN, 1, 1, 1, 1, 1, 1, 1]).reshape([1, 2, 1, 4])
      const { gradients, aux } = valueAndGradient({ q }, (p) => {
        const out = attention(p.q, device.full([1, 2, 1, 4], 1), device.full([1, 2, 1, 4], 2), { softCap: 30, kernel })
        return { value: sum(out), aux: out }
      })
      expect([...(await aux.data())].map(Number.isNaN)).toEqual([true, true, true, true, false, false, false, false])
      expect([...(await gradients.q.data())].map(Number.isNaN)).toEqual([
        true,
        true,
        true,
        true,
        false,
        false,
        false,
        false,
      ])
    },
  )

  it('far above all scores changes nothing that f32 can tell', async () => {
    const device = await testDevice()
    const of = (softCap?: number) =>
      device.scope(() =>
        attention(
          device.tensor(q, { shape: qShape! }),
          device.tensor(k, { shape: kvShape! }),
          device.tensor(v, { shape: kvShape! }),
          { softCap },
        ),
      )
    using plain = of()
    using capped = of(1e6)
    await expectAllClose(capped, await plain.data(), { absolute: 2e-4 })
  })

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('is refused where it is %s', async (softCap) => {
    const device = await testDevice()
    using q = device.zeros([1, 2, 2, 4])
    expect(() => attention(q, q, q, { softCap })).toThrow(/softCap is .*; it must be a positive number/)
  })
})
