import { describe, expect, it } from 'vitest'
import { testDevice } from '../../testing'
import { firstColumns } from './slice'

describe('firstColumns', () => {
  it.each(['f32', 'u32'] as const)('has the beginning of every row, of %s', async (dtype) => {
    const device = await testDevice()
    using x = device.tensor([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], { shape: [2, 2, 3], dtype })
    using y = firstColumns(x, 2)
    expect(y.shape).toEqual([2, 2, 2])
    expect([...(await y.data())]).toEqual([0, 1, 3, 4, 6, 7, 9, 10])
  })
})
