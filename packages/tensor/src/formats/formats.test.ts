import { beforeAll, describe, expect, it } from 'vitest'
import { createDevice } from '../device/create-device'
import type { Device } from '../device/device'
import { nodeAdapter } from '../node'
import { embedding } from '../operations/embedding/embedding'
import { linear } from '../operations/matmul/linear'
import { cast } from '../operations/pointwise/cast'
import { uniform01 } from '../random/philox'
import { expectAllClose, randomWeights, testDevice } from '../testing'
import { type Format, type FormatName, formats } from './index'

const names = Object.keys(formats) as FormatName[]
const writable = names.filter((name) => 'encode' in formats[name])
const random = (size: number, stream: number) =>
  Float32Array.from({ length: size }, (_, i) => 2 * uniform01(stream, i) - 1)

/** A device that binds so little that the matrices of these tests lie in slabs. */
let small: Device

beforeAll(async () => {
  small = await createDevice({ adapter: nodeAdapter(), maxBindingBytes: 8192 })
  return () => small.dispose()
})

describe.each(names)('weights stored as %s', (name) => {
  const format: Format = formats[name]
  const [rows, k] = [56, 512]
  const stored = randomWeights(name, rows * k, 3)
  const values = format.decode(stored)

  it('are on the device what they are on the host, and take no more bytes', async () => {
    const device = await testDevice()
    const before = device.memory.liveBytes
    using weights = device.tensor(stored, { shape: [rows, k], dtype: name })
    // But for the byte that MXFP4's scale of one byte has beside it.
    const padding = name === 'mxfp4' ? 18 / 17 : 1.01
    expect(device.memory.liveBytes - before).toBeLessThan(stored.length * padding + 32)
    using floats = cast(weights, 'f32')
    expect(await floats.data()).toEqual(values)
  })

  it('are multiplied as what they mean, alone, normed and gated, the same bits for any number of rows', async () => {
    const device = await testDevice()
    const [x, gain] = [random(9 * k, 1), random(k, 2)]
    const up = randomWeights(name, rows * k, 9)
    const norm = { weight: device.tensor(gain), epsilon: 1e-5 }
    const inputs = device.tensor(x, { shape: [9, k] })
    const packed = [stored, up].map((bytes) => device.tensor(bytes, { shape: [rows, k], dtype: name })) as never
    const plain = [values, format.decode(up)].map((floats) => device.tensor(floats, { shape: [rows, k] })) as never
    const layers = ([weight, other]: [typeof inputs, typeof inputs], input = inputs) => [
      linear(input, weight),
      linear(input, weight, { norm, up: other }),
      linear(input, weight, { norm: { ...norm, offset: 1 } }),
    ]
    const [theirs, ours] = [layers(plain), layers(packed)]
    for (const [i, y] of ours.entries())
      await expectAllClose(y, await theirs[i]!.data(), { absolute: 1e-4, relative: 1e-4 })
    const all = await Promise.all(ours.map((y) => y.data()))
    for (const count of [1, 5]) {
      const some = layers(packed, device.tensor(x.subarray(0, count * k), { shape: [count, k] }))
      for (const [i, y] of some.entries()) expect(await y.data()).toEqual(all[i]!.slice(0, count * rows))
    }
  })

  it('lie in slabs where one binding does not hold them, written at once or a few rows at a time', async () => {
    const device = await testDevice()
    using weights = small.tensor(stored, { shape: [rows, k], dtype: name })
    using written = small.empty([rows, k], name)
    const rowBytes = stored.length / rows
    for (let first = 0; first < rows; first += 4) {
      const count = Math.min(4, rows - first)
      written.writeRows(stored.subarray(first * rowBytes, (first + count) * rowBytes), { first, count })
    }
    expect(weights.slabs.length).toBeGreaterThan(1)
    const ids = Uint32Array.from([39, 7, 99])
    const x = random(3 * k, 5)
    const results = async (on: Device, matrix: typeof weights) => [
      await embedding(matrix, on.tensor(ids)).data(),
      await linear(on.tensor(x, { shape: [3, k] }), matrix, { up: matrix }).data(),
    ]
    const whole = await results(device, device.tensor(stored, { shape: [rows, k], dtype: name }))
    expect(await results(small, weights)).toEqual(whole)
    expect(await results(small, written)).toEqual(whole)
  })
})

describe('formats', () => {
  it.each(writable)('%s: values are stored as near as its step', (name) => {
    const { encode, decode } = formats[name] as (typeof formats)['f16']
    const values = Float32Array.from(random(512, 7), (value, i) => (i < 256 ? value : 0))
    const back = decode(encode!(values))
    const half = 2 ** -11
    const steps = {
      ...{ f16: half, bf16: 2 ** -8, q8_0: 0.5 / 127 + half, q4_0: 1.02 / 8 },
      ...{ q4_1: 1 / 15 + 2 * half, q5_0: 1.02 / 16, q5_1: 1 / 31 + 2 * half },
    }
    const step = steps[name as 'f16']
    for (const [i, value] of values.entries()) expect(Math.abs(back[i]! - value)).toBeLessThanOrEqual(step)
    // What a format can say, it says again.
    expect(decode(encode!(back))).toEqual(back)
  })

  it.each(writable)(
    '%s: values are encoded one after another, not gathered into a list that may be too long',
    (name) => {
      const values = random(64, 3)
      Object.defineProperty(values, Symbol.iterator, {
        value: () => {
          throw new Error('all values at once')
        },
      })
      expect(formats[name].encode!(values)).toEqual(formats[name].encode!(random(64, 3)))
    },
  )

  it('f32 matrices lie in slabs too, and are read back whole', async () => {
    const values = random(600 * 12, 1)
    using matrix = small.tensor(values, { shape: [600, 12] })
    expect(matrix.slabs.length).toBe(4)
    expect(await matrix.data()).toEqual(values)
    const { liveBuffers } = small.memory
    matrix.dispose()
    expect(small.memory.liveBuffers).toBe(liveBuffers - 4)
  })

  it('refuses what cannot be', async () => {
    const device = await testDevice()
    expect(() => device.empty([2, 48], 'q8_0')).toThrow(/multiples of 32/)
    expect(() => device.tensor(new Uint8Array(33), { shape: [1, 32], dtype: 'q8_0' })).toThrow(
      /34 bytes of q8_0, not 33/,
    )
    expect(() => device.tensor(new Uint8Array(4))).toThrow(/without their shape and dtype/)
    expect(() => device.tensor(new Float32Array(256), { shape: [1, 256], dtype: 'q4_k' })).toThrow(/can only be read/)
    using blocks = device.zeros([2, 32], 'q4_0')
    await expect(blocks.data()).rejects.toMatchObject({ code: 'DTYPE_MISMATCH' })
    using x = device.zeros([2, 32])
    expect(() => linear(x, device.zeros([4, 20], 'f16'))).toThrow(/linear/)
    const { add, softmax } = await import('../operations/index')
    expect(() => add(x, blocks)).toThrow(expect.objectContaining({ code: 'DTYPE_MISMATCH' }))
    expect(() => softmax(device.zeros([32, 4], 'f16'))).toThrow(/is f16; f32 is needed/)
    using slabs = small.zeros([600, 12])
    expect(() => add(slabs, slabs)).toThrow(expect.objectContaining({ code: 'DEVICE_LIMIT' }))
  })
})
