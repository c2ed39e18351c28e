import { describe, expect, it } from 'vitest'
import { philox, uniform01 } from '../../random/philox'
import { expectAllClose, testDevice } from '../../testing'
import { sampleCategorical } from './categorical'
import { type SamplingDistributionOptions, samplingDistribution } from './distribution'

/** The warpers in float64, by sorting. */
function reference(logits: ArrayLike<number>, { temperature, topK, topP = 1 }: SamplingDistributionOptions): number[] {
  const order = Array.from(logits, (_, i) => i).sort((a, b) => logits[b]! - logits[a]! || a - b)
  if (temperature === 0) return Array.from(logits, (_, i) => (i === order[0] ? 1 : 0))
  const ranked = order.slice(0, topK || order.length)
  const weights = ranked.map((i) => Math.exp((logits[i]! - logits[order[0]!]!) / temperature))
  const total = weights.reduce((a, b) => a + b, 0)
  let reached = 0
  let count = 0
  while (count < ranked.length && (count === 0 || reached < topP * total - 1e-9 * total)) reached += weights[count++]!
  const probabilities = new Array<number>(logits.length).fill(0)
  for (let r = 0; r < count; r++) probabilities[ranked[r]!] = weights[r]! / reached
  return probabilities
}

const smooth = (rows: number, columns: number, stream: number) =>
  Float32Array.from({ length: rows * columns }, (_, i) => 12 * uniform01(stream, i) - 6)
/** Few different values, so that every cut goes through equals. */
const tied = (rows: number, columns: number, stream: number) =>
  Float32Array.from({ length: rows * columns }, (_, i) => Math.floor(5 * uniform01(stream, i)) - 2)

describe('the sampling distribution', () => {
  const settings: SamplingDistributionOptions[] = [
    { temperature: 0 },
    { temperature: 1 },
    { temperature: 0.7, topK: 1 },
    { temperature: 0.7, topK: 5 },
    { temperature: 1.3, topP: 0.9 },
    { temperature: 1, topP: 1e-6 },
    { temperature: 0.5, topK: 7, topP: 0.63 },
    { temperature: 2, topK: 100_000, topP: 1 },
    { temperature: 0.01, topP: 0.95 },
  ]
  for (const [name, make, columns] of [
    ['smooth', smooth, 13],
    ['smooth', smooth, 512],
    ['tied', tied, 37],
    ['smooth', smooth, 33_000],
  ] as const)
    it(`agrees with sorting in float64 on ${name} logits of ${columns}`, async () => {
      const device = await testDevice()
      const rows = columns > 1000 ? 2 : 6
      const logits = make(rows, columns, columns)
      using tensor = device.tensor(logits, { shape: [rows, columns] })
      for (const options of settings) {
        using probabilities = samplingDistribution(tensor, options)
        const expected = Array.from({ length: rows }, (_, r) =>
          reference(logits.subarray(r * columns, (r + 1) * columns), options),
        ).flat()
        const actual = Array.from(await probabilities.data())
        if (columns < 1000)
          await expectAllClose(actual, expected, { absolute: 2e-6, relative: 1e-4 }).catch((error: Error) => {
            throw new Error(`${JSON.stringify(options)}: ${error.message}`)
          })
        // In a long row f32 sums may put the border of top-p a token further or nearer.
        else
          expect(
            actual.reduce((sum, p, i) => sum + Math.abs(p - expected[i]!), 0) / rows,
            JSON.stringify(options),
          ).toBeLessThan(2e-3)
        for (let r = 0; r < rows; r++)
          expect(Math.abs(actual.slice(r * columns, (r + 1) * columns).reduce((a, b) => a + b, 0) - 1)).toBeLessThan(
            1e-4,
          )
      }
    })

  it('refuses settings without meaning', async () => {
    const device = await testDevice()
    using logits = device.zeros([1, 4])
    expect(() => samplingDistribution(logits, { temperature: -1 })).toThrow(/temperature/)
    expect(() => samplingDistribution(logits, { temperature: Number.NaN })).toThrow(/temperature/)
    expect(() => samplingDistribution(logits, { temperature: 1, topP: 0 })).toThrow(/topP/)
    expect(() => samplingDistribution(logits, { temperature: 1, topK: 1.5 })).toThrow(/topK/)
  })
})

describe('sampling', () => {
  it('inverts the cumulative distribution at the Philox uniform of each row', async () => {
    const device = await testDevice()
    for (const columns of [3, 50, 2000]) {
      const rows = 64
      const weights = Float32Array.from({ length: rows * columns }, (_, i) =>
        i % 3 === 1 ? 0 : Math.floor(16 * uniform01(9, i)) / 1024,
      )
      using probabilities = device.tensor(weights, { shape: [rows, columns] })
      using ids = sampleCategorical(probabilities, { seed: 2 ** 40 + 5, offset: 2 ** 32 - 10 })
      const drawn = await ids.data()
      for (let r = 0; r < rows; r++) {
        const row = weights.subarray(r * columns, (r + 1) * columns)
        const total = row.reduce((a, b) => a + b, 0) // exact: sixteenths of powers of two
        const point = Math.fround(uniform01(2 ** 40 + 5, 2 ** 32 - 10 + r) * total)
        let reached = 0
        const expected = row.findIndex((p) => {
          reached += p
          return reached > point
        })
        expect(drawn[r]).toBe(expected)
      }
    }
  })

  it('draws every token as often as its probability says', async () => {
    const device = await testDevice()
    const p = [0.5, 0, 0.25, 0.125, 0.1, 0.025]
    const draws = 20_000
    using probabilities = device.tensor(
      Float32Array.from({ length: draws * p.length }, (_, i) => p[i % p.length]!),
      { shape: [draws, p.length] },
    )
    using ids = sampleCategorical(probabilities, { seed: 11 })
    const counts = p.map(() => 0)
    for (const id of await ids.data()) counts[id]!++
    expect(counts[1]).toBe(0)
    const statistic = p.reduce((sum, q, i) => sum + (q ? (counts[i]! - q * draws) ** 2 / (q * draws) : 0), 0)
    expect(statistic).toBeLessThan(18.5) // the 0.1 % point of chi-square with 4 degrees of freedom
  })

  it('uses Philox4x32-10 as published', () => {
    // Random123's known answer for counter 0 and key 0.
    expect(philox(0, 0)).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8])
  })
})
