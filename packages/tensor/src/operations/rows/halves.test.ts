import { beforeAll, describe, expect, it } from 'vitest'
import type { Device } from '../../device/device'
import { floatToHalf, halfToFloat } from '../../formats/half'
import { uniform01 } from '../../random/philox'
import { testDevice } from '../../testing'
import { packHalves, unpackHalves } from './halves'

let device: Device
beforeAll(async () => {
  device = await testDevice()
})

/** The halves of f32 given by their bits, row by row of so many. */
async function packed(bits: number[], columns: number): Promise<number[]> {
  const floats = new Float32Array(Uint32Array.from(bits).buffer)
  using x = device.tensor(floats, { shape: [bits.length / columns, columns] })
  using y = packHalves(x)
  return [...(await y.data())]
}

const bitsOf = (...values: number[]) => [...new Uint32Array(Float32Array.from(values).buffer)]

describe('halves', () => {
  it('are rounded to nearest, ties to even, subnormal ones too, as on the host', async () => {
    const edges = [1, -1, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 ** -14, 2 ** -24, 2 ** -25, 3 * 2 ** -25, 1e-9, 65_504]
    const values = [
      ...edges,
      ...Array.from({ length: 600 }, (_, i) => (uniform01(3, i) - 0.5) * 2 ** (40 * uniform01(4, i) - 26)),
    ].map(Math.fround)
    const words = await packed(bitsOf(...values), 2)
    const expected = values.map(floatToHalf)
    expect(words).toEqual(
      Array.from({ length: values.length / 2 }, (_, i) => (expected[2 * i]! | (expected[2 * i + 1]! << 16)) >>> 0),
    )
  })

  it('end at ±65504, but what is no number, or infinite, stays that', async () => {
    const words = await packed([...bitsOf(1e6, -65_519, Number.POSITIVE_INFINITY), 0x7f800001, 0xffc00000, 0], 2)
    expect(words).toEqual([0xfbff7bff, 0x7e007c00, 0x0000fe00])
  })

  it('come back as what they are', async () => {
    const halves = Uint32Array.from({ length: 2 ** 11 }, (_, i) => 32 * i + (i % 32)) // every exponent, both signs
    const words = Uint32Array.from({ length: 2 ** 10 }, (_, i) => (halves[2 * i]! | (halves[2 * i + 1]! << 16)) >>> 0)
    using x = device.tensor(words, { shape: [2 ** 8, 4] })
    using y = unpackHalves(x, 8)
    expect([...(await y.data())]).toEqual(Array.from(halves, halfToFloat))
  })

  it('of odd rows leave half a word', async () => {
    using x = device.tensor([1, 2, 3, 4, 5, 6], { shape: [2, 3] })
    using y = packHalves(x)
    expect(y.shape).toEqual([2, 2])
    using back = unpackHalves(y, 3)
    expect([...(await back.data())]).toEqual([1, 2, 3, 4, 5, 6])
    expect(() => unpackHalves(y, 5)).toThrow(/rows of 5 halves have 3 words/)
  })
})
