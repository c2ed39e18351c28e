import { describe, expect, it } from 'vitest'
import { normalPair, uniform01 } from '../../random/philox'
import { expectAllClose, testDevice } from '../../testing'
import { type SamplingDistributionOptions, samplingDistribution } from './distribution'

const normals = (size: number, stream: number, scale = 3) =>
  Float32Array.from({ length: size }, (_, i) => scale * normalPair(stream, i)[0])

/** Multiples of a step, so that most values come several times. */
const tied = (size: number, stream: number, step: number) =>
  normals(size, stream).map((x) => Math.round(x / step) * step)

/**
 * The processors in float64, over the ranking by logit and then index. `kept` is how many the device kept: the nucleus may
 * differ from float64's by tokens whose cumulative probability is within a rounding of top-p.
 */
function expectDistribution(
  actual: Float32Array,
  logits: Float32Array,
  { temperature, minP = 0, topK = 0, topP = 1 }: SamplingDistributionOptions,
) {
  const ranking = Array.from(logits, (_, i) => i).sort((a, b) => logits[b]! - logits[a]! || a - b)
  const largest = logits[ranking[0]!]!
  // f32 has the bound on p as one on logits: none of the test's lie within a rounding of it.
  const likely = ranking.filter((token) => Math.exp((logits[token]! - largest) / (temperature || 1)) >= minP).length
  const limit = temperature === 0 ? 1 : Math.min(topK || logits.length, likely)
  const weights = ranking.map((token, rank) =>
    rank < limit ? Math.exp((logits[token]! - logits[ranking[0]!]!) / (temperature || 1)) : 0,
  )
  const total = weights.reduce((a, b) => a + b, 0)
  let mass = 0
  const cumulative = weights.map((weight) => {
    mass += weight
    return mass / total
  })
  // f32 underflows where float64 does not: what is kept is counted among the tokens that f32 can tell from 0.
  const kept = actual.reduce((count, probability) => count + (probability > 0 ? 1 : 0), 0)
  const margin = 1e-5
  expect(kept).toBeGreaterThan(0)
  if (topP < 1) {
    expect(cumulative[kept - 1]!).toBeGreaterThan(topP - margin)
    if (kept > 1) expect(cumulative[kept - 2]!).toBeLessThan(topP + margin)
  } else if (limit > kept) expect(weights[kept]! / total).toBeLessThan(1e-37)
  const expected = new Float64Array(logits.length)
  for (const [rank, token] of ranking.slice(0, kept).entries())
    expected[token] = weights[rank]! / total / cumulative[kept - 1]!
  return expectAllClose(actual, expected, { absolute: 1e-9, relative: 1e-4 })
}

async function check(logits: Float32Array, rows: number, options: SamplingDistributionOptions) {
  const device = await testDevice()
  const columns = logits.length / rows
  using distribution = device.scope(() =>
    samplingDistribution(device.tensor(logits, { shape: [rows, columns] }), options),
  )
  const data = (await distribution.data()) as Float32Array
  for (let row = 0; row < rows; row++) {
    const part = data.subarray(row * columns, (row + 1) * columns)
    expect(part.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 4)
    await expectDistribution(part, logits.subarray(row * columns, (row + 1) * columns), options)
  }
  return data
}

describe('the sampling distribution', () => {
  const options: SamplingDistributionOptions[] = [
    { temperature: 1 },
    { temperature: 0 },
    { temperature: 0.7, topK: 1 },
    { temperature: 0.7, topK: 20 },
    { temperature: 1.3, topP: 0.9 },
    { temperature: 0.6, topK: 20, topP: 0.95 },
    { temperature: 1, topK: 5, topP: 0.999 },
    { temperature: 2, topK: 1_000_000, topP: 0.3 },
    { temperature: 1, topP: 1e-9 },
    { temperature: 1, topP: 0.9999999 },
    { temperature: 1e-4, topP: 0.9 },
    { temperature: 1e-30 },
    { temperature: 1e6, topK: 7, topP: 0.5 },
    { temperature: 1e35, topP: 0.5 },
    { temperature: 1, minP: 0.1 },
    { temperature: 0.7, minP: 0.03, topK: 9 },
    { temperature: 1.2, minP: 0.011, topK: 200 },
    { temperature: 1.5, minP: 0.2, topP: 0.7 },
    { temperature: 2, minP: 0.03, topK: 40, topP: 0.9 },
    { temperature: 0.8, minP: 1 },
    { temperature: 0, minP: 0.5 },
  ]
  for (const option of options)
    it(`agrees with float64 for ${JSON.stringify(option)}`, async () => {
      await check(normals(3 * 300, 1), 3, option)
      await check(tied(3 * 300, 2, 1), 3, option)
      await check(tied(2 * 1501, 3, 4), 2, option)
      await check(new Float32Array(77).fill(-2.5), 1, option)
    })

  it('agrees with float64 for random options, logits and sizes', async () => {
    for (let trial = 0; trial < 40; trial++) {
      const u = (which: number) => uniform01(99, trial * 8 + which)
      const columns = 1 + Math.floor(u(0) * 900)
      const logits = u(1) < 0.5 ? normals(2 * columns, 100 + trial, 1 + 8 * u(2)) : tied(2 * columns, 100 + trial, 0.5)
      const topK = u(3) < 0.5 ? 0 : 1 + Math.floor(u(4) * columns * 1.2)
      await check(logits, 2, { temperature: 0.2 + 2 * u(5), topK, topP: u(6) < 0.5 ? 1 : u(7) })
    }
  })

  it('keeps exactly k of equal logits, the first of them', async () => {
    const logits = Float32Array.of(1, 2, 1, 2, 1, 1, 2, -4)
    const distribution = await check(logits, 1, { temperature: 1, topK: 5 })
    expect([...distribution].flatMap((p, i) => (p > 0 ? [i] : []))).toEqual([0, 1, 2, 3, 6])
  })

  it('takes the first largest logit at temperature 0, as argmax does', async () => {
    const zero = await check(Float32Array.of(-0, 0, -1, 0), 1, { temperature: 0 })
    expect([...zero]).toEqual([1, 0, 0, 0])
    const logits = tied(40_000, 5, 1)
    const largest = logits.indexOf(logits.reduce((a, b) => Math.max(a, b)))
    const distribution = await check(logits, 1, { temperature: 0 })
    expect(distribution.indexOf(1)).toBe(largest)
  })

  it('gives masked tokens nothing', async () => {
    const masked = -Infinity
    const distribution = await check(Float32Array.of(masked, 1, masked, 0, -3.4e38), 1, { temperature: 1, topK: 4 })
    expect(distribution[0]).toBe(0)
    expect(distribution[2]).toBe(0)
  })

  it('holds for large vocabularies', async () => {
    await check(normals(33_000, 7), 1, { temperature: 0.8, topK: 50, topP: 0.95 })
    await check(normals(128_256, 8, 1), 1, { temperature: 1, topP: 0.95 })
    await check(tied(33_000, 9, 0.25), 1, { temperature: 1, topK: 1000, topP: 0.9 })
  })

  it('gives a row the same bits whatever rows are beside it', async () => {
    const device = await testDevice()
    const logits = normals(6 * 700, 10)
    const option = { temperature: 0.9, topK: 60, topP: 0.9 }
    const all = await check(logits, 6, option)
    using alone = device.scope(() => samplingDistribution(device.tensor(logits.slice(2800, 3500)), option))
    expect(await alone.data()).toEqual(all.slice(2800, 3500))
  })

  it('gives rows by options of their own the bits that each has alone', async () => {
    const device = await testDevice()
    const options: SamplingDistributionOptions[] = [
      { temperature: 0.9, topK: 60, topP: 0.9 },
      { temperature: 0 },
      { temperature: 1.3, minP: 0.02, topK: 700 },
      { temperature: 1e-40 },
      { temperature: 0.7, topP: 0.2 },
      { temperature: 0.7, topK: 1 },
    ]
    const logits = tied(options.length * 700, 11, 0.05)
    logits[700 * 4 + 3] = Number.NaN
    using all = device.scope(() =>
      samplingDistribution(device.tensor(logits, { shape: [options.length, 700] }), options),
    )
    const bits = new Uint32Array((await all.data()).buffer)
    for (const [row, option] of options.entries()) {
      const own = logits.slice(700 * row, 700 * (row + 1))
      using alone = device.scope(() => samplingDistribution(device.tensor(own, { shape: [1, 700] }), option))
      expect(bits.slice(700 * row, 700 * (row + 1)), `row ${row}`).toEqual(new Uint32Array((await alone.data()).buffer))
    }
    using three = device.zeros([3, 4])
    expect(() => samplingDistribution(three, options)).toThrow(/options for each row/)
    expect(() => samplingDistribution(three, [{ temperature: 1 }, { temperature: -1 }, { temperature: 0 }])).toThrow(
      /-1/,
    )
  })

  it('refuses options out of range and names them', async () => {
    const device = await testDevice()
    using logits = device.zeros([1, 4])
    using ids = device.zeros([4], 'u32')
    expect(() => samplingDistribution(logits, { temperature: -1 })).toThrow(/temperature must be 0 or more, not -1/)
    expect(() => samplingDistribution(logits, { temperature: 1, topK: 1.5 })).toThrow(/topK .* not 1.5/)
    expect(() => samplingDistribution(logits, { temperature: 1, minP: 1.5 })).toThrow(/minP .* not 1.5/)
    expect(() => samplingDistribution(logits, { temperature: 1, topP: 2 })).toThrow(/topP .* not 2/)
    expect(() => samplingDistribution(logits, { temperature: 1, topP: 0 })).toThrow(/topP .* not 0/)
    expect(() => samplingDistribution(logits, { temperature: Number.NaN })).toThrow(/temperature/)
    expect(() => samplingDistribution(ids, { temperature: 1 })).toThrow(/the logits are u32/)
  })
})
