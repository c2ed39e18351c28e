import { describe, expect, it } from 'vitest'
import { uniform01 } from '../../random/philox'
import { testDevice } from '../../testing'
import { topK } from './top-k'

async function largest(data: Float32Array, rows: number, k: number) {
  const device = await testDevice()
  const { values, indices } = device.scope(() => topK(device.tensor(data, { shape: [rows, data.length / rows] }), k))
  const read = { values: [...(await values.data())], indices: [...(await indices.data())] }
  values.dispose()
  indices.dispose()
  return read
}

/** By sorting. */
function expected(data: Float32Array, rows: number, k: number) {
  const columns = data.length / rows
  const ranked = Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) => column)
      .sort((a, b) => data[row * columns + b]! - data[row * columns + a]! || a - b)
      .slice(0, k)
      .map((column) => ({ column, value: data[row * columns + column]! })),
  ).flat()
  return { values: ranked.map(({ value }) => value), indices: ranked.map(({ column }) => column) }
}

describe('topK', () => {
  it.each([
    [1, 1, 1],
    [3, 5, 5],
    [2, 64, 20],
    [5, 300, 7],
    [1, 70_000, 3],
  ])('ranks the elements of %i rows of %i as sorting does, %i of them', async (rows, columns, k) => {
    const data = Float32Array.from({ length: rows * columns }, (_, i) => 20 * uniform01(5, i) - 10)
    expect(await largest(data, rows, k)).toEqual(expected(data, rows, k))
  })

  it('takes equal elements in the order of their columns', async () => {
    const data = Float32Array.from({ length: 2 * 200 }, (_, i) => Math.floor(4 * uniform01(9, i)))
    expect(await largest(data, 2, 120)).toEqual(expected(data, 2, 120))
  })

  it('finds every column of a row of one value, the lowest number too', async () => {
    const data = new Float32Array(6).fill(-3.4e38)
    expect((await largest(data, 1, 6)).indices).toEqual([0, 1, 2, 3, 4, 5])
  })

  it('refuses more than there are, and none', async () => {
    const device = await testDevice()
    using x = device.zeros([2, 3])
    expect(() => topK(x, 4)).toThrow(/k is 4; it must be a whole number from 1 to 3/)
    expect(() => topK(x, 0)).toThrow(/k is 0/)
  })
})
