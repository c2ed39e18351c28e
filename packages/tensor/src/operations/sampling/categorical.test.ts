import { describe, expect, it } from 'vitest'
import { uniform01 } from '../../random/philox'
import { testDevice } from '../../testing'
import { sampleCategorical } from './categorical'

/** Tokens that inverse transform sampling in float64 allows for u, give or take f32's rounding of the sum. */
function allowed(weights: ArrayLike<number>, u: number): Set<number> {
  let total = 0
  for (let i = 0; i < weights.length; i++) total += weights[i]!
  const tokens = new Set<number>()
  let cumulative = 0
  for (let i = 0; i < weights.length; i++) {
    const before = cumulative
    cumulative += weights[i]! / total
    if (weights[i]! > 0 && before <= u + 1e-5 && cumulative > u - 1e-5) tokens.add(i)
  }
  return tokens
}

const draw = async (weights: Float32Array, rows: number, options: { seed: number; offset?: number }) => {
  const device = await testDevice()
  using tokens = device.scope(() =>
    sampleCategorical(device.tensor(weights, { shape: [rows, weights.length / rows] }), options),
  )
  return tokens.data()
}

describe('sampling from a categorical distribution', () => {
  it('agrees with float64 on the same uniform numbers', async () => {
    for (const columns of [1, 3, 64, 257, 1000, 33_000]) {
      const rows = 8
      const weights = Float32Array.from({ length: rows * columns }, (_, i) => Math.max(0, uniform01(3, i) - 0.5))
      for (let row = 0; row < rows; row++) weights[row * columns] = 0.01
      const tokens = await draw(weights, rows, { seed: 11, offset: 5 })
      for (let row = 0; row < rows; row++) {
        const set = allowed(weights.subarray(row * columns, (row + 1) * columns), uniform01(11, 5 + row))
        expect([...set], `row ${row} of ${columns} columns`).toContain(tokens[row])
      }
    }
  })

  it('follows the probabilities (chi-square over 20,000 draws, 0.1 % level)', async () => {
    const probabilities = [0.4, 0, 0.25, 0.15, 0.1, 0.05, 0.03, 0, 0.02, 0]
    const rows = 20_000
    const weights = Float32Array.from({ length: rows * 10 }, (_, i) => probabilities[i % 10]!)
    const counts = new Array<number>(10).fill(0)
    for (const token of await draw(weights, rows, { seed: 2024 })) counts[token]!++
    let statistic = 0
    for (const [token, probability] of probabilities.entries())
      if (probability === 0) expect(counts[token]).toBe(0)
      else statistic += (counts[token]! - rows * probability) ** 2 / (rows * probability)
    expect(statistic).toBeLessThan(22.46) // 6 degrees of freedom
  })

  it('finds the one token that has any probability, wherever it is', async () => {
    for (const columns of [5, 700])
      for (const only of [0, Math.floor(columns / 2), columns - 1]) {
        const weights = new Float32Array(columns * 50)
        for (let row = 0; row < 50; row++) weights[row * columns + only] = 0.3
        expect(new Set(await draw(weights, 50, { seed: 1 }))).toEqual(new Set([only]))
      }
  })

  it('takes the number of the stream at offset + row, past 32 bits too', async () => {
    const rows = 16
    const weights = new Float32Array(rows * 100).fill(1)
    for (const offset of [0, 2 ** 32 - 5, 2 ** 40 + 3]) {
      const tokens = await draw(weights, rows, { seed: 2 ** 35 + 9, offset })
      for (let row = 0; row < rows; row++) {
        const u = uniform01(2 ** 35 + 9, offset + row)
        expect([...allowed(weights.subarray(0, 100), u)]).toContain(tokens[row])
      }
    }
  })

  it('draws the same again, alone or among other rows', async () => {
    const weights = Float32Array.from({ length: 9 * 333 }, (_, i) => uniform01(8, i))
    const together = await draw(weights, 9, { seed: 4, offset: 100 })
    expect(await draw(weights, 9, { seed: 4, offset: 100 })).toEqual(together)
    for (let row = 0; row < 9; row++)
      expect((await draw(weights.slice(row * 333, (row + 1) * 333), 1, { seed: 4, offset: 100 + row }))[0]).toBe(
        together[row],
      )
  })

  it('draws rows by seeds and counters of their own as each alone', async () => {
    const device = await testDevice()
    const options = [0, 7, 2 ** 32 - 1, 2 ** 40 + 3].map((offset, i) => ({ seed: 2 ** 33 * i + i, offset }))
    const weights = Float32Array.from({ length: 4 * 333 }, (_, i) => uniform01(8, i))
    using together = device.scope(() => sampleCategorical(device.tensor(weights, { shape: [4, 333] }), options))
    const ids = [...(await together.data())]
    for (const [row, option] of options.entries())
      expect([...(await draw(weights.slice(row * 333, (row + 1) * 333), 1, option))]).toEqual([ids[row]])
    expect(new Set(ids).size).toBeGreaterThan(2)
    using two = device.full([2, 4], 0.25)
    expect(() => sampleCategorical(two, options)).toThrow(/options for each row/)
    expect(() => sampleCategorical(two, [{ seed: 1 }, { seed: 1, offset: -1 }])).toThrow(/offset must be/)
  })

  it('refuses a seed that is not an integer', async () => {
    const device = await testDevice()
    using probabilities = device.full([1, 4], 0.25)
    expect(() => sampleCategorical(probabilities, { seed: 0.5 })).toThrow(/seed must be a non-negative integer/)
    expect(() => sampleCategorical(probabilities, { seed: 1, offset: -1 })).toThrow(/offset must be/)
  })
})
