import { beforeAll, describe, expect, it } from 'vitest'
import type { Device } from '../../device/device'
import { testDevice } from '../../testing'
import { putRows, takeRows } from './take-rows'

let device: Device
beforeAll(async () => {
  device = await testDevice()
})

describe('takeRows', () => {
  it.each(['f32', 'u32', 'i32'] as const)('has rows in the order of their numbers, of %s', async (dtype) => {
    using x = device.tensor([1, 2, 3, 4, 5, 6, 7, 8], { shape: [4, 2], dtype })
    using rows = device.tensor([3, 0], { dtype: 'u32' })
    using y = takeRows(x, rows)
    expect(y.shape).toEqual([2, 2])
    expect(y.dtype).toBe(dtype)
    expect([...(await y.data())]).toEqual([7, 8, 1, 2])
  })

  it('copies the bits of f16, and those of numbers that are none', async () => {
    using x = device.tensor(Uint16Array.of(0x3c00, 0x7e01, 0xfc00, 0x0001), { shape: [2, 2] })
    using rows = device.tensor([1], { dtype: 'u32' })
    using y = takeRows(x, rows)
    expect(await y.toArray()).toEqual([[Number.NEGATIVE_INFINITY, 2 ** -24]])
    using bits = device.tensor(Uint32Array.of(1, 0x7fc00123))
    using taken = takeRows(bits, rows)
    expect([...(await taken.data())]).toEqual([0x7fc00123])
  })

  it('refuses rows of half a word, and numbers that are no numbers of rows', () => {
    using odd = device.tensor(Uint16Array.of(1, 2, 3), { shape: [1, 3] })
    using rows = device.tensor([0], { dtype: 'u32' })
    using floats = device.tensor([0])
    expect(() => takeRows(odd, rows)).toThrow(/even number of elements/)
    expect(() => takeRows(floats, floats)).toThrow(/numbers of rows are f32/)
  })
})

describe('putRows', () => {
  it('puts rows back where they were, over zeros', async () => {
    using x = device.tensor([5, 6, 7, 8], { shape: [2, 2] })
    using rows = device.tensor([2, 0], { dtype: 'u32' })
    using y = putRows(x, rows, 4)
    expect(await y.toArray()).toEqual([
      [7, 8],
      [0, 0],
      [5, 6],
      [0, 0],
    ])
    expect(() => putRows(y, rows, 4)).toThrow(/one number a row/)
  })
})
