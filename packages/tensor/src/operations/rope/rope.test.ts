import { describe, expect, it } from 'vitest'
import { uniform01 } from '../../random/philox'
import { expectAllClose, testDevice } from '../../testing'
import { rope } from './rope'
import { ropeIntoCache } from './rope-into-cache'

describe('rope', () => {
  it('turns pairs by exact angles at near and far positions, sequence by sequence', async () => {
    const device = await testDevice()
    const [batch, rows, heads, headDim] = [3, 4, 2, 8]
    const starts = [0, 500, 8000]
    const frequencies = Float32Array.from({ length: headDim / 2 }, (_, i) => 10000 ** ((-2 * i) / headDim))
    const x = Float32Array.from({ length: batch * rows * heads * headDim }, (_, i) => uniform01(3, i) - 0.5)
    const expected = x.map((value, i) => {
      const d = i % headDim
      const row = Math.floor(i / (heads * headDim))
      // The angle is the f32 product, as on the device and in other engines; the rest is float64.
      const angle = Math.fround((starts[Math.floor(row / rows)]! + (row % rows)) * frequencies[d % (headDim / 2)]!)
      const other = d < headDim / 2 ? -x[i + headDim / 2]! : x[i - headDim / 2]!
      return value * Math.cos(angle) + other * Math.sin(angle)
    })
    const y = device.scope(() =>
      rope(device.tensor(x, { shape: [batch, rows, heads, headDim] }), {
        frequencies: device.tensor(frequencies),
        start: device.tensor(starts, { dtype: 'u32' }),
      }),
    )
    await expectAllClose(y, expected, { absolute: 3e-7, relative: 1e-5 })
    y.dispose()
  })
})

describe('rope into a cache', () => {
  it('gives rotated queries, and puts rotated keys and values where their positions are', async () => {
    const device = await testDevice()
    const [batch, rows, heads, kvHeads, headDim, capacity] = [2, 3, 4, 2, 8, 6]
    const starts = [0, 4] // the last row of the second sequence is past the capacity
    const random = (stream: number, ...shape: number[]) =>
      device.tensor(
        Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => uniform01(stream, i) - 0.5),
        { shape },
      )
    const frequencies = device.tensor(Float32Array.of(1, 0.1, 0.01, 0.001))
    const start = device.tensor(starts, { dtype: 'u32' })
    const [q, k] = [random(1, batch, rows, heads, headDim), random(2, batch, rows, kvHeads, headDim)]
    const v = random(3, batch, rows, kvHeads, headDim)
    const cache = {
      keys: device.zeros([batch, capacity, kvHeads, headDim]),
      values: device.zeros([batch, capacity, kvHeads, headDim]),
    }
    const projections = {
      q: q.reshape([batch, rows, heads * headDim]),
      k: k.reshape([batch, rows, kvHeads * headDim]),
      v: v.reshape([batch, rows, kvHeads * headDim]),
    }
    const queries = ropeIntoCache(projections, cache, { frequencies, start })

    expect(queries.shape).toEqual(q.shape)
    const close = { absolute: 1e-6, relative: 0 }
    await expectAllClose(queries, await rope(q, { frequencies, start }).data(), close)
    const placed = (x: Float32Array) => {
      const expected = new Float32Array(batch * capacity * kvHeads * headDim)
      const row = kvHeads * headDim
      for (let b = 0; b < batch; b++)
        for (let t = 0; t < rows && starts[b]! + t < capacity; t++)
          expected.set(
            x.subarray((b * rows + t) * row, (b * rows + t + 1) * row),
            (b * capacity + starts[b]! + t) * row,
          )
      return expected
    }
    await expectAllClose(cache.keys, placed((await rope(k, { frequencies, start }).data()) as Float32Array), close)
    expect(await cache.values.data()).toEqual(placed((await v.data()) as Float32Array))
  })

  it('refuses shapes that do not fit together', async () => {
    const device = await testDevice()
    device.scope(() => {
      const cache = { keys: device.zeros([1, 6, 2, 8]), values: device.zeros([1, 6, 2, 8]) }
      const projections = { q: device.zeros([1, 3, 32]), k: device.zeros([1, 3, 16]), v: device.zeros([1, 3, 8]) }
      expect(() => ropeIntoCache(projections, cache, { frequencies: device.zeros([4]) })).toThrow(
        expect.objectContaining({ code: 'SHAPE_MISMATCH' }),
      )
    })
  })
})
