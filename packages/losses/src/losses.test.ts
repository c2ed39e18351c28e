import { readAll, type Tensor, uniform01, valueAndGradient } from '@outrider/tensor'
import { expectAllClose, testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import * as losses from './index'
import {
  acceptanceRates,
  type DistillationLoss,
  defineRowLoss,
  distillationLoss,
  lossByName,
  lossNames,
  type RowLoss,
  weightedSum,
} from './index'

type Distributions = { p: number[]; q: number[]; label: number }

const softmax64 = (z: ArrayLike<number>): number[] => {
  const largest = Math.max(...Array.from(z))
  const e = Array.from(z, (x) => Math.exp(x - largest))
  const total = e.reduce((a, b) => a + b, 0)
  return e.map((x) => x / total)
}
const total = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
const alphaOf = ({ p, q }: Distributions) => total(p.map((x, i) => Math.min(x, q[i]!)))
const klOf = (a: number[], b: number[]) => total(a.map((x, i) => (x > 0 ? x * Math.log(x / b[i]!) : 0)))
/** Reward mean and spread of a position: P_p(q > p). */
const rewardOf = ({ p, q }: Distributions) => total(p.map((x, i) => (q[i]! > x ? x : 0)))
const sigmaOf = (mean: number) => Math.max(Math.sqrt(Math.max(mean - mean * mean, 0)), 0.01)

/**
 * Every loss of one position in float64, as a function of p; what the loss holds constant in its gradient (σ, λ) is taken
 * from `fixed`.
 */
const formulas: Record<string, { loss: RowLoss; value: (now: Distributions, fixed: Distributions) => number }> = {
  kld: { loss: losses.kld, value: ({ p, q }) => klOf(q, p) },
  'reverse-kld': { loss: losses.reverseKld, value: ({ p, q }) => klOf(p, q) },
  jsd: {
    loss: losses.jsd(0.3),
    value: ({ p, q }) => {
      const m = p.map((x, i) => 0.3 * q[i]! + 0.7 * x)
      return 0.3 * klOf(q, m) + 0.7 * klOf(p, m)
    },
  },
  tvd: { loss: losses.tvd, value: (now) => total(now.p.map((x, i) => Math.abs(x - now.q[i]!))) / 2 },
  'tvd++-position': {
    loss: losses.tvdPlusPlus({ scope: 'position' }),
    value: (now, fixed) => (1 - alphaOf(now)) / sigmaOf(rewardOf(fixed)),
  },
  'negative-log-acceptance': { loss: losses.negativeLogAcceptance, value: (now) => -Math.log(alphaOf(now)) },
  'kl-tv-hybrid': {
    loss: losses.klTvHybrid(2),
    value: (now, fixed) => {
      const lambda = Math.exp(-2 * alphaOf(fixed))
      return lambda * klOf(now.q, now.p) + (1 - lambda) * (1 - alphaOf(now))
    },
  },
  'cross-entropy': { loss: losses.labelCrossEntropy, value: ({ p, label }) => -Math.log(p[label]!) },
  'weighted sum': {
    loss: weightedSum([
      [losses.kld, 0.5],
      [losses.tvdPlusPlus({ scope: 'position' }), 2],
      [losses.labelCrossEntropy, 0.25],
    ]),
    value: (now, fixed) =>
      0.5 * klOf(now.q, now.p) +
      (2 * (1 - alphaOf(now))) / sigmaOf(rewardOf(fixed)) -
      0.25 * Math.log(now.p[now.label]!),
  },
}

const logitsOf = (rows: number, columns: number, stream: number, spread: number) =>
  Float32Array.from({ length: rows * columns }, (_, i) => spread * (2 * uniform01(stream, i) - 1))

async function evaluate(
  loss: DistillationLoss,
  draft: Float32Array,
  target: Float32Array,
  rows: number,
  extra: { labels?: Uint32Array; mask?: Float32Array; sequenceLength?: number; seed?: number } = {},
) {
  const device = await testDevice()
  const shape = (array: Float32Array) => ({ shape: [rows, array.length / rows] })
  using z = device.tensor(draft, shape(draft))
  using targetLogits = device.tensor(target, shape(target))
  const labels = extra.labels && device.tensor(extra.labels)
  const mask = extra.mask && device.tensor(extra.mask)
  const { value, gradients, aux } = valueAndGradient({ z }, ({ z }) => {
    const { value, acceptanceRate, statistics } = distillationLoss(loss, {
      ...extra,
      draftLogits: z,
      targetLogits,
      labels,
      mask,
    })
    return { value, aux: { acceptanceRate: acceptanceRate!, statistics } }
  })
  const names = Object.keys(aux.statistics)
  const tensors: Tensor[] = [value, aux.acceptanceRate, gradients.z, ...Object.values(aux.statistics)]
  const [v, a, gradient, ...rest] = await readAll(tensors)
  for (const tensor of [...tensors, labels, mask]) tensor?.dispose()
  return {
    value: v![0]!,
    alpha: a![0]!,
    gradient: gradient!,
    statistics: Object.fromEntries(names.map((name, i) => [name, rest[i]![0]!])),
  }
}

describe('every built-in loss', () => {
  for (const [name, { loss, value }] of Object.entries(formulas))
    it(`${name} agrees with its float64 formula in value and gradient`, async () => {
      for (const [columns, spread] of [
        [3, 1],
        [7, 4],
        [300, 3],
        [1000, 0.5],
      ] as const) {
        const rows = 4
        const draft = logitsOf(rows, columns, 1, spread)
        const target = logitsOf(rows, columns, 2, spread)
        const labels = Uint32Array.from({ length: rows }, (_, r) => (r * 5 + 1) % columns)
        const mask = Float32Array.of(1, 0, 1, 1)
        const at = (r: number, z: ArrayLike<number>) => ({
          p: softmax64(z),
          q: softmax64(target.subarray(r * columns, (r + 1) * columns)),
          label: labels[r]!,
        })
        let mean = 0
        let alpha = 0
        const gradient = new Float64Array(rows * columns)
        for (let r = 0; r < rows; r++) {
          if (!mask[r]) continue
          const z = Float64Array.from(draft.subarray(r * columns, (r + 1) * columns))
          const fixed = at(r, z)
          mean += value(fixed, fixed) / 3
          alpha += alphaOf(fixed) / 3
          // In a long row a few elements stand for all.
          for (let i = 0; i < columns; i += columns > 100 ? 13 : 1) {
            const step = 1e-6
            const moved = (sign: number) =>
              value(
                at(
                  r,
                  z.map((x, k) => (k === i ? x + sign * step : x)),
                ),
                fixed,
              )
            gradient[r * columns + i] = (moved(1) - moved(-1)) / (2 * step) / 3
          }
        }
        const actual = await evaluate(loss, draft, target, rows, { labels, mask })
        await expectAllClose([actual.value], [mean], { absolute: 2e-6, relative: 2e-5 })
        await expectAllClose([actual.alpha], [alpha], { absolute: 2e-6, relative: 1e-5 })
        const checked = actual.gradient.map((x, i) => (columns > 100 && (i % columns) % 13 !== 0 ? 0 : x))
        await expectAllClose(checked, gradient, { absolute: 2e-6, relative: 1e-3 })
        expect(actual.gradient.subarray(columns, 2 * columns).every((x) => x === 0)).toBe(true)
      }
    })

  it('is known by its name', () => {
    for (const name of lossNames) expect(lossByName(name).evaluate).toBeTypeOf('function')
    expect(lossByName('jsd(0.25)').name).toBe('jsd(0.25)')
    expect(() => lossByName('kl')).toThrow(/There is no loss "kl".*kld/)
  })

  it('stays finite for identical, for disjoint and for extreme distributions', async () => {
    const columns = 50
    const peak = (at: number) => Float32Array.from({ length: columns }, (_, i) => (i === at ? 90 : -90))
    const flat = new Float32Array(columns)
    for (const name of lossNames)
      for (const [draft, target] of [
        [flat, flat],
        [peak(3), peak(3)],
        [peak(3), peak(4)],
        [flat, peak(9)],
        [peak(9), flat],
      ] as const) {
        const result = await evaluate(lossByName(name), draft, target, 1, { labels: Uint32Array.of(4) })
        expect(Number.isFinite(result.value), name).toBe(true)
        expect(result.gradient.every(Number.isFinite), name).toBe(true)
      }
  })
})

describe('TVD and TVD++', () => {
  const rows = 6
  const columns = 5
  const draft = logitsOf(rows, columns, 3, 2)
  const target = logitsOf(rows, columns, 4, 2)
  const mask = Float32Array.of(1, 1, 0, 1, 1, 1)
  const positions = Array.from({ length: rows }, (_, r) => ({
    p: softmax64(draft.subarray(r * columns, (r + 1) * columns)),
    q: softmax64(target.subarray(r * columns, (r + 1) * columns)),
    label: 0,
  }))
  /** E_{x∼p}[∇ ln p(x) · (−reward(x))] by enumeration of x, ∇ ln p(x) = 1{i = x} − p(i), mean over the rows that count. */
  const policyGradient = (reward: (r: number, x: number) => number) =>
    positions.flatMap(({ p }, r) =>
      p.map((_, i) => (mask[r]! / 5) * total(p.map((px, x) => -px * reward(r, x) * ((x === i ? 1 : 0) - p[i]!)))),
    )
  const raw = (r: number, x: number) => (positions[r]!.q[x]! > positions[r]!.p[x]! ? 1 : 0)
  const pooled = (scope: readonly number[]) => {
    const counted = scope.filter((r) => mask[r])
    const mean = total(counted.map((r) => rewardOf(positions[r]!))) / counted.length
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
    const draft = logitsOf(rows, 6, 5, 2)
    const target = logitsOf(rows, 6, 6, 2)
    const plain = await evaluate(losses.kld, draft, target, rows)
    const padded = await evaluate(losses.kld, pad(draft, 6, 9), target, rows)
    expect(padded.value).toBe(plain.value)
    expect(Array.from(padded.gradient.subarray(0, 9))).toEqual([...plain.gradient.subarray(0, 6), 0, 0, 0])
    expect((await evaluate(losses.kld, draft, pad(target, 6, 8), rows)).value).toBe(plain.value)
  })

  it('of 33,000 work', async () => {
    const device = await testDevice()
    const draft = logitsOf(2, 33_000, 7, 3)
    const target = logitsOf(2, 33_000, 8, 3)
    using z = device.tensor(draft, { shape: [2, 33_000] })
    using t = device.tensor(target, { shape: [2, 33_000] })
    using rates = acceptanceRates(z, t)
    const expected = [0, 1].map((r) =>
      alphaOf({
        p: softmax64(draft.subarray(r * 33_000, (r + 1) * 33_000)),
        q: softmax64(target.subarray(r * 33_000, (r + 1) * 33_000)),
        label: 0,
      }),
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
    const z = logitsOf(1, 4, 1, 1)
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
  })

  it('may be composed of tensor operations and gives the same as a row loss', async () => {
    const { add, logSoftmax, mean, multiply, negate, softmax, sum } = await import('@outrider/tensor')
    const composed = losses.composeLoss('composed-kld', ({ draftLogits, targetLogits }) => {
      const q = softmax(targetLogits!)
      return mean(sum(multiply(q, add(logSoftmax(targetLogits!), negate(logSoftmax(draftLogits)))), { axis: 1 }))
    })
    const draft = logitsOf(3, 20, 9, 2)
    const target = logitsOf(3, 20, 10, 2)
    const [a, b] = [await evaluate(composed, draft, target, 3), await evaluate(losses.kld, draft, target, 3)]
    await expectAllClose([a.value, a.alpha, ...a.gradient], [b.value, b.alpha, ...b.gradient], { absolute: 1e-6 })
  })

  it('prints both shapes when rows differ', async () => {
    const device = await testDevice()
    using a = device.zeros([2, 5])
    using b = device.zeros([3, 5])
    expect(() => distillationLoss(losses.kld, { draftLogits: a, targetLogits: b })).toThrow(
      /kld: \[2, 5\] and \[3, 5\]/,
    )
  })
})
