import { describe, expect, it } from 'vitest'
import { valueAndGradient } from '../../autograd/value-and-gradient'
import { testDevice } from '../../testing'
import { argmax } from './argmax'
import { max } from './max'
import { noToken } from './no-logit'
import { mean, sum } from './sum'
import { topK } from './top-k'

const rows = 3
/** Rows as they are, and with NaN in the second, at its beginning, within it and at its end. */
const columnsAndPlaces = [1, 7, 300, 9000].flatMap((columns) =>
  [...new Set([0, columns >> 1, columns - 1])].map((place) => [columns, place] as const),
)
const numbers = (columns: number) => Float32Array.from({ length: rows * columns }, (_, i) => ((i * 37) % 101) - 120)
const poisoned = (columns: number, place: number) => {
  const data = numbers(columns)
  data[columns + place] = Number.NaN
  return data
}

describe('a reduction of a row with NaN', () => {
  it.each(columnsAndPlaces)('of %i, at %i, is NaN, and those beside it are theirs', async (columns, place) => {
    const device = await testDevice()
    const data = poisoned(columns, place)
    const reduced = async (of: typeof max) => {
      using y = device.scope(() => of(device.tensor(data, { shape: [rows, columns] }), { axis: 1 }))
      return [...(await y.data())]
    }
    for (const of of [max, sum, mean]) expect((await reduced(of)).map(Number.isNaN)).toEqual([false, true, false])
    const row = (i: number) => data.subarray(i * columns, (i + 1) * columns)
    const largest = (await reduced(max)).filter((_, i) => i !== 1)
    expect(largest).toEqual([0, 2].map((i) => row(i).reduce((a, b) => Math.max(a, b))))
  })

  it('is NaN along columns too, and over all elements of a large tensor', async () => {
    const device = await testDevice()
    const data = poisoned(9000, 1234)
    using x = device.tensor(data, { shape: [rows, 9000] })
    using down = max(x, { axis: 0 })
    const values = [...(await down.data())]
    expect(values.flatMap((value, i) => (Number.isNaN(value) ? [i] : []))).toEqual([1234])
    expect(values[5]).toBe(Math.max(data[5]!, data[9005]!, data[18_005]!))
    using all = max(x)
    expect(await all.item()).toBeNaN()
  })

  it('has NaN for a gradient of the largest, where else only the largest has one', async () => {
    const device = await testDevice()
    using x = device.tensor([
      [1, 3, 2],
      [1, Number.NaN, 2],
    ])
    const { value, gradients } = valueAndGradient(x, (x) => sum(max(x, { axis: 1 })))
    const slopes = [...(await gradients.data())]
    expect(slopes.slice(0, 3)).toEqual([0, 1, 0])
    expect(slopes.slice(3).every(Number.isNaN)).toBe(true)
    value.dispose()
    gradients.dispose()
  })

  it.each(columnsAndPlaces)('has no largest elements: of %i, at %i', async (columns, place) => {
    const device = await testDevice()
    const k = Math.min(columns, 3)
    const read = async (data: Float32Array) => {
      const { values, indices, first } = device.scope(() => {
        const x = device.tensor(data, { shape: [rows, columns] })
        return { ...topK(x, k), first: argmax(x) }
      })
      const figures = [[...(await values.data())], [...(await indices.data())], [...(await first.data())]]
      for (const tensor of [values, indices, first]) tensor.dispose()
      return figures as [number[], number[], number[]]
    }
    const [sound, soundAt] = await read(numbers(columns))
    const [values, indices, [, second]] = await read(poisoned(columns, place))
    expect(values.slice(k, 2 * k).every(Number.isNaN)).toBe(true)
    expect([...indices.slice(k, 2 * k), second]).toEqual(new Array(k + 1).fill(noToken))
    for (const begin of [0, 2 * k]) {
      expect(values.slice(begin, begin + k)).toEqual(sound.slice(begin, begin + k))
      expect(indices.slice(begin, begin + k)).toEqual(soundAt.slice(begin, begin + k))
    }
  })
})

it('the largest is one of the elements, the lowest numbers and −∞ too', async () => {
  const device = await testDevice()
  const low = Number.NEGATIVE_INFINITY
  using x = device.tensor([
    [-3.39e38, -3.4e38],
    [low, -3.39e38],
    [low, low],
  ])
  using rows = max(x, { axis: 1 })
  expect([...(await rows.data())]).toEqual([...Float32Array.of(-3.39e38, -3.39e38, low)])
  using columns = max(x, { axis: 0 })
  expect([...(await columns.data())]).toEqual([...Float32Array.of(-3.39e38, -3.39e38)])
})
