import { expectAllClose, testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import { evaluate } from './evaluate.fixture'
import { meanReward, rewardOf, sigmaOf } from './float64.fixture'
import * as losses from './index'
import { acceptanceRates, defineRowLoss, distillationLoss, lossByName, lossNames, weightedSum } from './index'
import { alphaOf, logitsOf, positionOf, total } from './testing/position'

/** Several rows of logits, one after the other. */
const rowsOf = (rows: number, columns: number, stream: number, spread: number) =>
  logitsOf(rows * columns, stream, spread)

describe('names', () => {
  it('are those of the losses; some take a number', () => {
    for (const name of lossNames) expect(lossByName(name).evaluate).toBeTypeOf('function')
    expect(lossByName('jsd(0.25)').name).toBe('jsd(0.25)')
    expect(lossByName('kl-tv-hybrid(3)').name).toBe('kl-tv-hybrid(3)')
  })

  it('that are wrong are refused, with what there is', () => {
    expect(() => lossByName('kl')).toThrow(/There is no loss "kl".*kld/)
    expect(() => lossByName('constructor')).toThrow(/There is no loss/)
    expect(() => lossByName('tvd(2)')).toThrow(/takes no number/)
    for (const number of ['2', '-1', 'x', '']) expect(() => lossByName(`jsd(${number})`)).toThrow()
  })
})

describe('TVD and TVD++', () => {
  const rows = 6
  const columns = 5
  const draft = rowsOf(rows, columns, 3, 2)
  const target = rowsOf(rows, columns, 4, 2)
  const mask = Float32Array.of(1, 1, 0, 1, 1, 1)
  const positions = Array.from({ length: rows }, (_, r) =>
    positionOf(draft.subarray(r * columns, (r + 1) * columns), target.subarray(r * columns, (r + 1) * columns)),
  )
  /** E_{x∼p}[∇ ln p(x) · (−reward(x))] by enumeration of x, ∇ ln p(x) = 1{i = x} − p(i), mean over the rows that count. */
  const policyGradient = (reward: (r: number, x: number) => number) =>
    positions.flatMap(({ p }, r) =>
      Array.from(p, (_, i) => {
        const terms = p.map((px, x) => -px * reward(r, x) * ((x === i ? 1 : 0) - p[i]!))
        return (mask[r]! / 5) * total(terms)
      }),
    )
  const raw = (r: number, x: number) => rewardOf(positions[r]!)[x]!
  const pooled = (scope: readonly number[]) => {
    const counted = scope.filter((r) => mask[r])
    const mean = total(counted.map((r) => meanReward(positions[r]!))) / counted.length
    return { mean, sigma: sigmaOf(mean) }
  }

  it('have their policy gradients, the reward normalised over each scope', async () => {
    const tvd = await evaluate(losses.tvd, draft, target, rows, { mask })
    await expectAllClose(tvd.gradient, policyGradient(raw), { absolute: 1e-6, relative: 1e-4 })
    const scopes = {
      position: [[0], [1], [2], [3], [4], [5]],
      sequence: [
        [0, 1, 2],
        [3, 4, 5],
      ],
      batch: [[0, 1, 2, 3, 4, 5]],
    } as const
    for (const [scope, groups] of Object.entries(scopes)) {
      const of = (r: number) =>
        pooled(mask[r] ? [...groups.find((group) => (group as readonly number[]).includes(r))!] : [0])
      const expected = policyGradient((r, x) => (raw(r, x) - of(r).mean) / of(r).sigma)
      const loss = losses.tvdPlusPlus({ scope: scope as 'batch' })
      const actual = await evaluate(loss, draft, target, rows, { mask, sequenceLength: 3 })
      await expectAllClose(actual.gradient, expected, { absolute: 1e-6, relative: 1e-4 })
      const sigma = total([0, 1, 3, 4, 5].map((r) => of(r).sigma)) / 5
      await expectAllClose([actual.statistics.sigma!], [sigma], { relative: 1e-5 })
    }
  })

  it('sampled, is right on average: many draws approach the exact gradient', async () => {
    const copies = 4000
    const one = draft.subarray(0, columns)
    const many = (row: Float32Array) => Float32Array.from({ length: copies * columns }, (_, i) => row[i % columns]!)
    const sampled = await evaluate(
      losses.tvdPlusPlus({ estimator: 'sampled' }),
      many(one),
      many(target.subarray(0, columns)),
      copies,
      { seed: 5 },
    )
    const exact = await evaluate(losses.tvdPlusPlus(), one, target.subarray(0, columns), 1)
    const mean = Array.from({ length: columns }, (_, i) =>
      total(Array.from({ length: copies }, (_, r) => sampled.gradient[r * columns + i]!)),
    )
    await expectAllClose(mean, exact.gradient, { absolute: 0.03, relative: 0 })
    expect(Math.abs(sampled.statistics.sigma! - exact.statistics.sigma!)).toBeLessThan(0.02)
  })

  it('refuses to sample a spread from one position', () => {
    expect(() => losses.tvdPlusPlus({ scope: 'position', estimator: 'sampled' })).toThrow(/wider scope/)
  })
})

describe('vocabularies', () => {
  it('of unequal padding are compared over what both have, and the padding learns nothing', async () => {
    const rows = 2
    const pad = (z: Float32Array, columns: number, wide: number) =>
      Float32Array.from({ length: rows * wide }, (_, i) =>
        i % wide < columns ? z[Math.floor(i / wide) * columns + (i % wide)]! : 50,
      )
    const draft = rowsOf(rows, 6, 5, 2)
    const target = rowsOf(rows, 6, 6, 2)
    const plain = await evaluate(losses.kld, draft, target, rows)
    const padded = await evaluate(losses.kld, pad(draft, 6, 9), target, rows)
    expect(padded.value).toBe(plain.value)
    expect(Array.from(padded.gradient.subarray(0, 9))).toEqual([...plain.gradient.subarray(0, 6), 0, 0, 0])
    expect((await evaluate(losses.kld, draft, pad(target, 6, 8), rows)).value).toBe(plain.value)
    const both = await evaluate(
      losses.tvdPlusPlus({ estimator: 'sampled' }),
      pad(draft, 6, 9),
      pad(target, 6, 9),
      rows,
      {
        vocabularySize: 6,
      },
    )
    const neither = await evaluate(losses.tvdPlusPlus({ estimator: 'sampled' }), draft, target, rows)
    expect([both.value, both.alpha]).toEqual([neither.value, neither.alpha])
  })

  it('of 33,000 work', async () => {
    const device = await testDevice()
    const draft = rowsOf(2, 33_000, 7, 3)
    const target = rowsOf(2, 33_000, 8, 3)
    using z = device.tensor(draft, { shape: [2, 33_000] })
    using t = device.tensor(target, { shape: [2, 33_000] })
    using rates = acceptanceRates(z, t)
    const expected = [0, 1].map((r) =>
      alphaOf(positionOf(draft.subarray(r * 33_000, (r + 1) * 33_000), target.subarray(r * 33_000, (r + 1) * 33_000))),
    )
    await expectAllClose(rates, expected, { relative: 1e-4 })
  })
})

describe('a loss of an outside author', () => {
  it('is reported by name, with the line, when its WGSL is wrong', async () => {
    const wrong = defineRowLoss({
      name: 'hopeful',
      sums: { distance: 'abs(p - quality)' },
      value: 'distance',
      weight: '0.0',
    })
    const z = rowsOf(1, 4, 1, 1)
    await expect(evaluate(wrong, z, z, 1)).rejects.toThrow(/\(hopeful\).*quality.*abs\(p - quality\)/s)
  })

  it('is refused where it cannot be', () => {
    expect(() => defineRowLoss({ name: 'none', value: '0.0' })).toThrow(/either weight or weightedMass/)
    expect(() => defineRowLoss({ name: 'taken', sums: { p: 'q' }, value: '0.0', weight: '0.0' })).toThrow(
      /"p" cannot name/,
    )
    expect(() =>
      defineRowLoss({ name: 'lost', pooled: { names: ['x'], scope: 'batch' }, value: '0.0', weight: '0.0' }),
    ).toThrow(/not among the sums/)
    expect(() => defineRowLoss({ name: 'keyword', sums: { let: 'q' }, value: '0.0', weight: '0.0' })).toThrow(/"let"/)
    expect(() => defineRowLoss({ name: 'two\nlines', value: '0.0', weight: '0.0' })).toThrow(/a line of text/)
    expect(() => weightedSum([])).toThrow(/no losses/)
    expect(() => weightedSum([[losses.kld, Number.NaN]])).toThrow(/weight of kld is NaN/)
    const [batch, sequence] = [losses.tvdPlusPlus(), losses.tvdPlusPlus({ scope: 'sequence' })]
    expect(() =>
      weightedSum([
        [batch, 1],
        [sequence, 1],
      ]),
    ).toThrow(/scope/)
  })

  it('may be composed of tensor operations and gives the same as a row loss', async () => {
    const { add, logSoftmax, mean, multiply, negate, softmax, sum } = await import('@outrider/tensor')
    const composed = losses.composeLoss('composed-kld', ({ draftLogits, targetLogits }) => {
      const q = softmax(targetLogits!)
      return mean(sum(multiply(q, add(logSoftmax(targetLogits!), negate(logSoftmax(draftLogits)))), { axis: 1 }))
    })
    const draft = rowsOf(3, 20, 9, 2)
    const target = rowsOf(3, 20, 10, 2)
    const [a, b] = [await evaluate(composed, draft, target, 3), await evaluate(losses.kld, draft, target, 3)]
    await expectAllClose([a.value, a.alpha, ...a.gradient], [b.value, b.alpha, ...b.gradient], { absolute: 1e-6 })
  })
})

describe('inputs that do not go together', () => {
  it('are refused, with both shapes', async () => {
    const device = await testDevice()
    using a = device.zeros([2, 5])
    using b = device.zeros([3, 5])
    using mask = device.zeros([3])
    using labels = device.zeros([2])
    const refused = (extra: object, loss = losses.kld as losses.DistillationLoss) =>
      expect(() => distillationLoss(loss, { draftLogits: a, targetLogits: a, ...extra }))
    refused({ targetLogits: b }).toThrow(/kld: \[2, 5\] and \[3, 5\]/)
    refused({ targetLogits: undefined }).toThrow(/needs the target/)
    refused({}, losses.labelCrossEntropy).toThrow(/needs labels/)
    refused({ mask }).toThrow(/mask must be one a row/)
    refused({ labels }).toThrow(/the labels are f32/)
    refused({ vocabularySize: 6 }).toThrow(/a vocabulary of 6/)
    refused({ sequenceLength: 0 }).toThrow(/sequence length of 1 or more/)
    refused({ sequenceLength: 4 }, losses.tvdPlusPlus({ scope: 'sequence' })).toThrow(
      /multiple of the sequence length 4/,
    )
    expect(() => acceptanceRates(a, b)).toThrow(/\[2, 5\] and \[3, 5\]/)
  })
})
