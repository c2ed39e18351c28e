import { describe, expect, it } from 'vitest'
import { testDevice } from '../../testing'
import { argmax } from '../reduce/argmax'
import { noToken } from '../reduce/no-logit'
import { sampleCategorical } from './categorical'
import { samplingDistribution } from './distribution'

const rows = 6
/** Logits of several rows, the fourth with a number that is none: in its last column, or in all. */
const poisoned = (columns: number, value: number, whole: boolean): Float32Array => {
  const logits = Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i * 1.7))
  logits.fill(value, whole ? 3 * columns : 4 * columns - 1, 4 * columns)
  return logits
}
const cases = [
  [Number.NaN, false],
  [Number.NaN, true],
  [Number.POSITIVE_INFINITY, false],
  [Number.NEGATIVE_INFINITY, true],
] as const

describe('a row of logits that is no distribution', () => {
  it('has no token, greedy or drawn, and the rows beside it have theirs', async () => {
    const device = await testDevice()
    for (const columns of [1, 5, 64, 1000, 33_000])
      for (const [value, whole] of cases)
        for (const settings of [
          { temperature: 0 },
          { temperature: 1 },
          { temperature: 0.7, topK: 3 },
          { temperature: 1, topP: 0.8 },
        ]) {
          const logits = poisoned(columns, value, whole)
          const read = async (data: Float32Array) => {
            using tokens = device.scope(() => {
              const x = device.tensor(data, { shape: [rows, columns] })
              if (settings.temperature === 0) return argmax(x, { logits: true })
              return sampleCategorical(samplingDistribution(x, settings), { seed: 3 })
            })
            return [...(await tokens.data())]
          }
          const found = await read(logits)
          const sound = await read(logits.map((x) => (Number.isFinite(x) ? x : 0)))
          const what = `${columns}, ${value}, ${JSON.stringify(settings)}`
          expect(found[3], what).toBe(noToken)
          expect(
            found.filter((_, row) => row !== 3),
            what,
          ).toEqual(sound.filter((_, row) => row !== 3))
        }
  })

  it('is NaN throughout as a distribution', async () => {
    const device = await testDevice()
    for (const temperature of [0, 1])
      for (const [value, whole] of cases) {
        using distribution = device.scope(() =>
          samplingDistribution(device.tensor(poisoned(9, value, whole), { shape: [rows, 9] }), { temperature }),
        )
        const data = (await distribution.data()) as Float32Array
        expect([...data].map((x, i) => (Number.isNaN(x) ? Math.floor(i / 9) : -1)).filter((row) => row >= 0)).toEqual(
          Array(9).fill(3),
        )
      }
  })

  it('has a largest element where that is +∞, and none where one is NaN', async () => {
    const device = await testDevice()
    using indices = device.scope(() =>
      argmax(
        device.tensor([
          [1, Number.POSITIVE_INFINITY, 2],
          [1, Number.NaN, 2],
          [3, 1, 2],
        ]),
      ),
    )
    expect([...(await indices.data())]).toEqual([1, noToken, 0])
  })
})

describe('weights to draw from', () => {
  it('give no token where one is NaN, or where there is no mass', async () => {
    const device = await testDevice()
    using ids = device.scope(() =>
      sampleCategorical(
        device.tensor([
          [0, 0, 0],
          [0.5, 0, Number.NaN],
          [0, 1, 0],
        ]),
        { seed: 1 },
      ),
    )
    expect([...(await ids.data())]).toEqual([noToken, noToken, 1])
  })
})
