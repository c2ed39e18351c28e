import { describe, expect, it } from 'vitest'
import { readTopTokens } from './at-temperature'
import { nothing, type RowTopTokens, restOf } from './top-tokens'

const vocabularySize = 40

/** A place of a distribution, its k likeliest, and the rest. */
function rowOf(weights: readonly number[], k: number): RowTopTokens & { q: number[] } {
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const q = weights.map((weight) => weight / total).sort((a, b) => b - a)
  const logProbabilities = Float32Array.from(q.slice(0, k), Math.log)
  const logRest = Float32Array.of(restOf(logProbabilities, 0, k))
  const ids = Uint32Array.from({ length: k }, (_, i) => i)
  return { id: '', tokens: [], lossMask: [], k, ids, logProbabilities, logRest, q }
}

const geometric = (ratio: number) =>
  rowOf(
    Array.from({ length: vocabularySize }, (_, i) => ratio ** i),
    12,
  )

describe('k tokens at another temperature', () => {
  it.each([0.3, 0.7, 0.95])('are those of the whole distribution at %d, within a thousandth', (temperature) => {
    const row = geometric(0.5)
    const warm = row.q.map((x) => x ** (1 / temperature))
    const total = warm.reduce((sum, x) => sum + x, 0)
    const { logProbabilities, logRest } = readTopTokens(row, { temperature }, vocabularySize)
    for (let i = 0; i < 12; i++) expect(Math.abs(Math.exp(logProbabilities[i]!) - warm[i]! / total)).toBeLessThan(1e-3)
    const rest = warm.slice(12).reduce((sum, x) => sum + x, 0) / total
    expect(Math.abs(Math.exp(logRest[0]!) - rest)).toBeLessThan(1e-3)
  })

  it('are refused where what the others have may be more than that', () => {
    const flat = geometric(0.95)
    for (const temperature of [0.7, 2])
      expect(() => readTopTokens(flat, { temperature }, vocabularySize)).toThrow(/temperature .* cannot be told/)
    expect(() => readTopTokens(flat, { temperature: 0 }, vocabularySize)).toThrow(/above 0/)
  })

  it('are exact at any where they are all, or are taken for all', () => {
    const row = geometric(0.9)
    const kept = row.q.slice(0, 12).map((x) => x ** 0.5)
    const total = kept.reduce((sum, x) => sum + x, 0)
    const { logProbabilities, logRest } = readTopTokens(row, { rest: 'cut', temperature: 2 }, vocabularySize)
    for (const [i, x] of kept.entries()) expect(Math.exp(logProbabilities[i]!)).toBeCloseTo(x / total, 6)
    expect(logRest[0]).toBeCloseTo(nothing, -33)
    expect(readTopTokens(row, {}, vocabularySize)).toBe(row)
  })
})
