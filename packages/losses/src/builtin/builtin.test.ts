import { testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import { evaluate } from '../evaluate.fixture'
import { logitGradient, meanReward, type Reference, rewardOf, sigmaOf } from '../float64.fixture'
import * as losses from '../index'
import { lossByName, lossNames, weightedSum } from '../index'
import { checkLoss } from '../testing/index'
import { alphaOf, logitsOf, numericGradient, type Position, positionOf, total } from '../testing/position'

const divergence = (a: Float64Array, logA: Float64Array, logB: Float64Array) =>
  total(a.map((x, i) => (x > 0 ? x * (logA[i]! - logB[i]!) : 0)))
const logMixture = ({ p, q }: Position) => p.map((x, i) => Math.log(0.3 * q[i]! + 0.7 * x))
const lambdaOf = (at: Position) => Math.exp(-2 * alphaOf(at))
const positionSigma = (at: Position) => sigmaOf(meanReward(at))
/** −p r: TVD's. */
const rejected = (at: Position) => rewardOf(at).map((r, i) => -r * at.p[i]!)

const kld: Reference = {
  value: ({ q, logQ, logP }) => divergence(q, logQ, logP),
  mass: ({ q }) => q.map((x) => -x),
}
const tvdPlusPlus: Reference = {
  value: (now, fixed) => (1 - alphaOf(now)) / positionSigma(fixed),
  mass: (at) => rejected(at).map((m) => m / positionSigma(at)),
}
const crossEntropy: Reference = {
  value: ({ logP, label }) => -logP[label]!,
  mass: ({ p, label }) => p.map((_, i) => (i === label ? -1 : 0)),
}

const references: Record<string, { loss: losses.RowLoss; reference: Reference }> = {
  kld: { loss: losses.kld, reference: kld },
  'reverse-kld': {
    loss: losses.reverseKld,
    reference: {
      value: ({ p, logP, logQ }) => divergence(p, logP, logQ),
      mass: ({ p, logP, logQ }) => p.map((x, i) => x * (logP[i]! - logQ[i]!)),
    },
  },
  jsd: {
    loss: losses.jsd(0.3),
    reference: {
      value: (at) => 0.3 * divergence(at.q, at.logQ, logMixture(at)) + 0.7 * divergence(at.p, at.logP, logMixture(at)),
      mass: (at) => {
        const logM = logMixture(at)
        return at.p.map((x, i) => (x > 0 ? 0.7 * x * (at.logP[i]! - logM[i]!) : 0))
      },
    },
  },
  tvd: {
    loss: losses.tvd,
    reference: { value: ({ p, q }) => total(p.map((x, i) => Math.abs(x - q[i]!))) / 2, mass: rejected },
  },
  'tvd++-position': { loss: losses.tvdPlusPlus({ scope: 'position' }), reference: tvdPlusPlus },
  'negative-log-acceptance': {
    loss: losses.negativeLogAcceptance,
    reference: {
      value: (at) => -Math.log(alphaOf(at)),
      mass: (at) => rejected(at).map((m) => m / alphaOf(at)),
    },
  },
  'kl-tv-hybrid': {
    loss: losses.klTvHybrid(2),
    reference: {
      value: (now, fixed) => lambdaOf(fixed) * kld.value(now, fixed) + (1 - lambdaOf(fixed)) * (1 - alphaOf(now)),
      mass: (at) => rejected(at).map((m, i) => (1 - lambdaOf(at)) * m - lambdaOf(at) * at.q[i]!),
    },
  },
  'cross-entropy': { loss: losses.labelCrossEntropy, reference: crossEntropy },
  'a weighted sum': {
    loss: weightedSum([
      [losses.kld, 0.5],
      [
        weightedSum([
          [losses.tvdPlusPlus({ scope: 'position' }), 4],
          [losses.labelCrossEntropy, -0.5],
        ]),
        0.5,
      ],
    ]),
    reference: {
      value: (now, fixed) =>
        0.5 * kld.value(now, fixed) + 2 * tvdPlusPlus.value(now, fixed) - 0.25 * crossEntropy.value(now, fixed),
      mass: (at) => {
        const [a, b, c] = [kld.mass(at), tvdPlusPlus.mass(at), crossEntropy.mass(at)]
        return a.map((m, i) => 0.5 * m + 2 * b[i]! - 0.25 * c[i]!)
      },
    },
  },
}

/** Pairs of rows to try, all of `columns` logits. */
const pairs = (columns: number): Record<string, [Float32Array, Float32Array]> => ({
  ordinary: [logitsOf(columns, 1, 2), logitsOf(columns, 2, 2)],
  peaked: [logitsOf(columns, 3, 12), logitsOf(columns, 4, 12)],
  'with a flat draft': [new Float32Array(columns), logitsOf(columns, 5, 6)],
  'with a flat target': [logitsOf(columns, 6, 6), new Float32Array(columns)],
  'far from zero': [logitsOf(columns, 7, 1).map((x) => x + 60), logitsOf(columns, 8, 1).map((x) => x - 60)],
  identical: [logitsOf(columns, 9, 4), logitsOf(columns, 9, 4)],
})

function joined(rows: readonly Float32Array[]): Float32Array {
  const [first] = rows
  const all = new Float32Array(rows.length * first!.length)
  for (const [r, row] of rows.entries()) all.set(row, r * row.length)
  return all
}

describe('every built-in loss', () => {
  it('has a reference whose gradient is that of its value (float64, central differences)', () => {
    for (const [name, { reference }] of Object.entries(references))
      for (const [which, [draft, target]] of Object.entries(pairs(7))) {
        if (which === 'identical') continue // TVD has a corner there
        const at = positionOf(draft, target, 3)
        const gradient = logitGradient(at, reference.mass(at))
        const numeric = numericGradient(reference.value, draft, target, 3)
        for (const [i, slope] of gradient.entries())
          expect(Math.abs(slope - numeric[i]!), `${name}, ${which}`).toBeLessThan(1e-7 * (1 + Math.abs(slope)))
      }
  })

  for (const [name, { loss, reference }] of Object.entries(references))
    it(`${name} agrees with float64 in value, gradient and α, for vocabularies of 3 to 1000`, async () => {
      for (const columns of [3, 7, 1000]) {
        const rows = Object.values(pairs(columns))
        const labels = Uint32Array.from(rows, (_, r) => (r * 5 + 1) % columns)
        const mask = Float32Array.from(rows, (_, r) => (r === 2 ? 0 : 1))
        const draft = joined(rows.map(([z]) => z))
        const target = joined(rows.map(([, z]) => z))
        const actual = await evaluate(loss, draft, target, rows.length, { labels, mask })
        const positions = rows.map(([z, t], r) => positionOf(z, t, labels[r]!))
        const counted = total(mask)
        const mean = (of: (at: Position) => number) => total(positions.map((at, r) => mask[r]! * of(at))) / counted
        expectNear(
          actual.value,
          mean((at) => reference.value(at, at)),
          3e-5,
          3e-6,
          `value, ${columns}`,
        )
        expectNear(actual.alpha, mean(alphaOf), 1e-5, 1e-6, `α, ${columns}`)
        for (const [r, at] of positions.entries()) {
          const part = actual.gradient.subarray(r * columns, (r + 1) * columns)
          if (mask[r] === 0) expect(part.every((x) => x === 0)).toBe(true)
          else expectGradient(part, at, reference, counted, `${Object.keys(pairs(3))[r]}, ${columns}`)
        }
      }
    })

  for (const [name, { loss, reference }] of Object.entries(references))
    it(`${name} keeps what DistillationLoss promises`, async () =>
      checkLoss(loss, { device: await testDevice(), formula: reference.value }))

  it.each(lossNames.filter((name) => !(name in references)))(
    '%s, of drawn tokens or statistics over a step, does too',
    async (name) => checkLoss(lossByName(name), { device: await testDevice() }),
  )

  it('stays finite for identical, for disjoint and for extreme distributions', async () => {
    const peak = (at: number) => Float32Array.from({ length: 50 }, (_, i) => (i === at ? 90 : -90))
    const flat = new Float32Array(50)
    const masked = Float32Array.from({ length: 50 }, (_, i) => (i % 2 ? -3e38 : 0))
    for (const name of lossNames)
      for (const [draft, target] of [
        [flat, flat],
        [peak(3), peak(3)],
        [peak(3), peak(4)],
        [flat, peak(9)],
        [peak(9), flat],
        [flat, masked],
        [masked, masked],
      ] as const) {
        const result = await evaluate(lossByName(name), draft, target, 1, { labels: Uint32Array.of(4) })
        expect(Number.isFinite(result.value), name).toBe(true)
        expect(result.gradient.every(Number.isFinite), name).toBe(true)
      }
  })
})

function expectNear(actual: number, expected: number, relative: number, absolute: number, what: string): void {
  expect(Math.abs(actual - expected), `${what}: ${actual}, not ${expected}`).toBeLessThanOrEqual(
    absolute + relative * Math.abs(expected),
  )
}

/**
 * Within f32's rounding of m(x), of p(x) Σ m and of the logarithms in them. Elements where p and q are equal but for
 * rounding are left out: r may fall on either side there.
 */
function expectGradient(actual: Float32Array, at: Position, reference: Reference, counted: number, what: string): void {
  const mass = reference.mass(at)
  const gradient = logitGradient(at, mass)
  const whole = total(mass.map(Math.abs))
  for (const [i, slope] of gradient.entries()) {
    const [p, q] = [at.p[i]!, at.q[i]!]
    const apart = Math.abs(at.logP[i]! - at.logQ[i]!)
    if (apart > 0 && apart < 1e-4) continue
    const tolerance = 1e-4 * (Math.abs(mass[i]!) + p * whole + p + q)
    if (!(Math.abs(actual[i]! * counted - slope) <= tolerance))
      expect.fail(`gradient, ${what}, element ${i}: ${actual[i]! * counted}, not ${slope} (p = ${p}, q = ${q})`)
  }
}
