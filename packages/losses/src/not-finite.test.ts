import { readAll } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import { evaluate } from './evaluate.fixture'
import { labelCrossEntropy, lossByName, lossNames } from './index'
import { logitsOf, positionOf, total } from './testing/position'

const rows = 7
const labels = new Uint32Array(rows)
const extra = { labels, sequenceLength: 7, seed: 3 }

/** Logits of several rows, one of them with a number that is none, or with nothing but such. */
const poisoned = (columns: number, stream: number, value: number, whole = false): Float32Array => {
  const logits = logitsOf(rows * columns, stream, 2)
  if (whole) logits.fill(value, 4 * columns, 5 * columns)
  else logits[5 * columns - 1] = value
  return logits
}

describe('logits that are no distribution', () => {
  for (const name of lossNames)
    it(`leave no value, no α and no gradient of ${name}: one row among many, in the draft or in the target`, async () => {
      const loss = lossByName(name)
      for (const columns of [7, 1000])
        for (const [value, whole] of [
          [Number.NaN, false],
          [Number.POSITIVE_INFINITY, false],
          [Number.NEGATIVE_INFINITY, true],
        ] as const) {
          const sound = [logitsOf(rows * columns, 1, 2), logitsOf(rows * columns, 2, 2)] as const
          for (const [draft, target] of [
            [poisoned(columns, 1, value, whole), sound[1]],
            [sound[0], poisoned(columns, 2, value, whole)],
          ] as const) {
            const result = await evaluate(loss, draft, target, rows, extra)
            const what = `${value}, ${columns}, ${draft === sound[0] ? 'target' : 'draft'}`
            expect(result.value, what).toBeNaN()
            expect(result.alpha, what).toBeNaN()
            expect(result.gradient.subarray(4 * columns, 5 * columns).every(Number.isNaN), what).toBe(true)
          }
        }
    })

  it('leave no figure of their own row, and those of the others as they are', async () => {
    const device = await testDevice()
    const columns = 12
    const read = (draft: Float32Array, target: Float32Array) => {
      const one = device.tensor(
        Float32Array.from({ length: columns * columns }, (_, i) => (i % (columns + 1) === 0 ? 1 : 0)),
        { shape: [columns, columns] },
      )
      const head = (logits: Float32Array) => ({
        hidden: device.tensor(logits, { shape: [rows, columns] }),
        head: { weight: one },
      })
      const figures = labelCrossEntropy.rows({
        draft: head(draft),
        target: head(target),
        labels: device.tensor(labels),
        chunkRows: 3,
      })
      return readAll([figures.losses, figures.acceptanceRates!])
    }
    const sound = [logitsOf(rows * columns, 1, 2), logitsOf(rows * columns, 2, 2)] as const
    const expected = await read(...sound)
    const found = await read(sound[0], poisoned(columns, 2, Number.NaN))
    for (const [i, values] of found.entries())
      expect([...values]).toEqual([...expected[i]!].map((value, row) => (row === 4 ? Number.NaN : value)))
  })

  it('do not count where the mask leaves them out, but for the gradient, which is nothing there', async () => {
    const mask = Float32Array.from({ length: rows }, (_, row) => (row === 4 ? 0 : 1))
    const { gradient } = await evaluate(lossByName('kld'), poisoned(7, 1, Number.NaN), logitsOf(rows * 7, 2, 2), rows, {
      ...extra,
      mask,
    })
    expect(gradient.every(Number.isFinite)).toBe(true)
  })
})

describe('tokens that a model leaves out, by a logit of −∞', () => {
  const columns = 40
  const without = (logits: Float32Array, which: (token: number) => boolean) =>
    logits.map((x, i) => (which(i % columns) ? Number.NEGATIVE_INFINITY : x))
  const odd = (token: number) => token % 2 === 1
  const third = (token: number) => token % 3 === 2

  it('leave every loss finite where the target does, and its gradient: those of both too', async () => {
    for (const name of lossNames)
      for (const draftToo of [false, true]) {
        const draft = logitsOf(rows * columns, 1, 2)
        const target = without(logitsOf(rows * columns, 2, 2), odd)
        const result = await evaluate(lossByName(name), draftToo ? without(draft, odd) : draft, target, rows, extra)
        expect(Number.isFinite(result.value), name).toBe(true)
        expect(result.gradient.every(Number.isFinite), name).toBe(true)
      }
  })

  it('add nothing to the divergences that have a limit there (float64)', async () => {
    const draft = logitsOf(columns, 1, 2)
    const target = without(logitsOf(columns, 2, 2), odd)
    const { p, q, logP, logQ } = positionOf(draft, target)
    const forward = total(q.map((x, i) => (x > 0 ? x * (logQ[i]! - logP[i]!) : 0)))
    const alpha = total(p.map((x, i) => Math.min(x, q[i]!)))
    const lambda = Math.exp(-3 * alpha)
    const expected = {
      kld: forward,
      'kl-tv-hybrid': lambda * forward + (1 - lambda) * (1 - alpha),
      tvd: 1 - alpha,
    }
    for (const [name, value] of Object.entries(expected)) {
      const actual = await evaluate(lossByName(name), draft, target, 1)
      expect(actual.value, name).toBeCloseTo(value, 5)
      expect(actual.alpha, name).toBeCloseTo(alpha, 6)
    }
    const kld = await evaluate(lossByName('kld'), draft, target, 1)
    for (const [i, slope] of kld.gradient.entries()) expect(slope).toBeCloseTo(p[i]! - q[i]!, 6)
  })

  it('leave reverse KLD what it is where the draft leaves them out too (float64)', async () => {
    const draft = without(logitsOf(columns, 1, 2), (token) => odd(token) || third(token))
    const target = without(logitsOf(columns, 2, 2), odd)
    const { p, logP, logQ } = positionOf(draft, target)
    const reverse = total(p.map((x, i) => (x > 0 ? x * (logP[i]! - logQ[i]!) : 0)))
    const actual = await evaluate(lossByName('reverse-kld'), draft, target, 1)
    expect(actual.value).toBeCloseTo(reverse, 5)
    for (const [i, slope] of actual.gradient.entries())
      expect(slope).toBeCloseTo(p[i]! > 0 ? p[i]! * (logP[i]! - logQ[i]! - reverse) : 0, 5)
  })
})
