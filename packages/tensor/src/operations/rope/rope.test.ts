import { describe, expect, it } from 'vitest'
import { valueAndGradient } from '../../autograd/value-and-gradient'
import { position } from '../../device/advancing'
import { f16 } from '../../formats/f16'
import { uniform01 } from '../../random/philox'
import type { Tensor } from '../../tensor'
import { expectAllClose, testDevice } from '../../testing'
import { inBlocks, outOfBlocks } from '../attention/blocked-cache.fixture'
import { slice } from '../layout/slice'
import { multiply } from '../pointwise/binary'
import { sum } from '../reduce/sum'
import { rotated } from './exact-rotation.fixture'
import { exactFrequencies } from './frequencies'
import { rope } from './rope'
import { ropeIntoCache } from './rope-into-cache'

/** As θ^(−2i/headDim): no f32 but the first. */
const frequenciesOf = (headDim: number, theta = 10_000) =>
  Array.from({ length: headDim / 2 }, (_, i) => theta ** ((-2 * i) / headDim))
const numbers = (count: number, stream: number) => Array.from({ length: count }, (_, i) => uniform01(stream, i) - 0.5)

// Near, where f32 holds angles to 4·10⁻³, around 2²⁰, and up to the last position that a u32 can say.
const starts = [0, 150_000, 2 ** 20 - 2, 2 ** 27 - 4, 2 ** 32 - 4]
const far = { starts, rows: 4, heads: 2, frequencies: frequenciesOf(16) }
const shape = [starts.length, far.rows, far.heads, 16]
const size = shape.reduce((a, b) => a * b)

describe('rope', () => {
  it('turns pairs by exact angles at every position, sequence by sequence', async () => {
    const device = await testDevice()
    const x = numbers(size, 3)
    const y = device.scope(() =>
      rope(device.tensor(x, { shape }), {
        frequencies: exactFrequencies(device, far.frequencies),
        start: device.tensor(starts, { dtype: 'u32' }),
      }),
    )
    await expectAllClose(y, rotated(x, far), { absolute: 1.5e-7, relative: 0 })
    y.dispose()
  })

  it('turns gradients back by the same angles', async () => {
    const device = await testDevice()
    const [x, dy] = [numbers(size, 3), numbers(size, 4)]
    const { value, gradients } = device.scope(() => {
      const frequencies = exactFrequencies(device, far.frequencies)
      const start = device.tensor(starts, { dtype: 'u32' })
      const weights = device.tensor(dy, { shape })
      return valueAndGradient({ x: device.tensor(x, { shape }) }, ({ x }) =>
        sum(multiply(rope(x, { frequencies, start }), weights)),
      )
    })
    await expectAllClose(gradients.x, rotated(dy, far, { backwards: true }), { absolute: 1.5e-7, relative: 0 })
    value.dispose()
    gradients.x.dispose()
  })

  it('turns the first elements of a head where there are fewer frequencies, multiplied by a magnitude, and keeps the rest', async () => {
    const device = await testDevice()
    const [x, dy] = [numbers(size, 3), numbers(size, 4)]
    for (const [headDim, heads, magnitude] of [
      [16, 2, 1.19],
      [32, 1, 0.75],
      [8, 4, 1.5],
    ] as const) {
      const of = { ...far, heads, headDim, magnitude, frequencies: frequenciesOf(Math.min(headDim, 12)) }
      const shape = [starts.length, far.rows, heads, headDim]
      const { gradients, aux } = device.scope(() => {
        const options = {
          frequencies: exactFrequencies(device, of.frequencies),
          start: device.tensor(starts, { dtype: 'u32' }),
          magnitude,
        }
        const weights = device.tensor(dy, { shape })
        return valueAndGradient({ x: device.tensor(x, { shape }) }, ({ x }) => {
          const y = rope(x, options)
          return { value: sum(multiply(y, weights)), aux: y }
        })
      })
      await expectAllClose(aux, rotated(x, of), { absolute: 2.5e-7, relative: 0 })
      await expectAllClose(gradients.x, rotated(dy, of, { backwards: true }), { absolute: 2.5e-7, relative: 0 })
      for (const tensor of [aux, gradients.x]) tensor.dispose()
    }
  })

  it('leaves what is not turned as it is to the bit, whatever it is', async () => {
    const device = await testDevice()
    const rest = [Number.POSITIVE_INFINITY, -0, Number.NaN, 1e-40, -3, 7]
    using x = device.tensor([1, 2, ...rest], { shape: [1, 1, 1, 8] })
    using y = rope(x, { frequencies: device.tensor([0.5]), magnitude: 2 })
    const bits = async (tensor: Tensor) => [...new Uint32Array((await tensor.data()).slice().buffer)].slice(2)
    expect(await bits(y)).toEqual(await bits(x))
  })

  it('turns by exact angles in a recording that is replayed far on', async () => {
    const device = await testDevice()
    const rows = 3
    const turned = { starts: [5 + 2 ** 20], rows, heads: 1, frequencies: far.frequencies }
    const values = numbers(rows * 16, 8)
    using x = device.tensor(values, { shape: [1, rows, 1, 16] })
    using frequencies = exactFrequencies(device, far.frequencies)
    const recording = device.record(() => rope(x, { frequencies, start: position(5) }))
    recording.replay({ position: 2 ** 20 })
    await expectAllClose(recording.value, rotated(values, turned), { absolute: 1.5e-7, relative: 0 })
    recording.dispose()
  })

  it('takes frequencies in f32 for the numbers that they are', async () => {
    const device = await testDevice()
    // Of every way that f32's bits are shifted: zero, a subnormal, negative ones.
    const radians = [1, Math.PI / 4, 0.1, 1e-3, -0.3, 3e-12, 5, 0, 1e-40, -1e-25, 2 ** -9].map(Math.fround)
    const some = { ...far, frequencies: radians }
    const shape = [starts.length, far.rows, far.heads, 2 * radians.length]
    const x = numbers(
      shape.reduce((a, b) => a * b),
      5,
    )
    const y = device.scope(() =>
      rope(device.tensor(x, { shape }), {
        frequencies: device.tensor(radians),
        start: device.tensor(starts, { dtype: 'u32' }),
      }),
    )
    await expectAllClose(y, rotated(x, some), { absolute: 1.5e-7, relative: 0 })
    y.dispose()
  })

  it('refuses more frequencies than pairs, another dtype, and what is none', async () => {
    const device = await testDevice()
    device.scope(() => {
      const x = device.zeros([1, 1, 1, 8])
      const shapes = expect.objectContaining({ code: 'SHAPE_MISMATCH' })
      expect(() => rope(x, { frequencies: device.zeros([8]) })).toThrow(shapes)
      expect(() => rope(x, { frequencies: device.zeros([4], 'u32') })).toThrow(shapes)
      expect(() => rope(x, { frequencies: device.zeros([4, 2]) })).toThrow(shapes)
      expect(() => rope(x, { frequencies: exactFrequencies(device, [1, 1, 1, 1, 1]) })).toThrow(/of 4 pairs at most/)
      expect(() => rope(x, { frequencies: device.zeros([4]), magnitude: Number.NaN })).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('magnitude is NaN') }),
      )
      expect(() => rope(device.zeros([1, 1, 8]), { frequencies: device.zeros([4]) })).toThrow(shapes)
      expect(() => rope(x, { frequencies: device.zeros([4], 'i32') })).toThrow(
        expect.objectContaining({ code: 'DTYPE_MISMATCH', message: expect.stringContaining('exactFrequencies') }),
      )
      for (const none of [Number.NaN, Number.NEGATIVE_INFINITY, 1e300])
        expect(() => exactFrequencies(device, [1, none])).toThrow(
          expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(`pair 1 is ${none}`) }),
        )
      expect(() => rope(x, { frequencies: device.zeros([4]), start: 2 ** 32 })).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('4294967296') }),
      )
    })
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
    const frequencies = exactFrequencies(device, frequenciesOf(headDim))
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

  it.each([
    ['', 16, 1],
    [', in part and by a magnitude', 12, 1.19],
  ])('turns queries and keys by exact angles far from the beginning%s', async (_, rotaryDim, magnitude) => {
    const device = await testDevice()
    const [start, rows, headDim, capacity] = [2 ** 20 - 3, 3, 16, 2 ** 20]
    const turned = { starts: [start], rows, heads: 1, headDim, frequencies: frequenciesOf(rotaryDim), magnitude }
    const [q, k] = [numbers(rows * headDim, 6), numbers(rows * headDim, 7)]
    const results = device.scope(() => {
      const [x, y] = [q, k].map((values) => device.tensor(values, { shape: [1, rows, headDim] })) as [Tensor, Tensor]
      const cache = { keys: device.empty([1, capacity, 1, headDim]), values: device.empty([1, capacity, 1, headDim]) }
      const frequencies = exactFrequencies(device, turned.frequencies)
      const queries = ropeIntoCache({ q: x, k: y, v: y }, cache, { frequencies, start, magnitude })
      const last = { start, count: rows }
      const [keys, values] = [cache.keys, cache.values].map((of) => slice(of.reshape([capacity, headDim]), last))
      return { queries, keys: keys!, values: values! }
    })
    const close = { absolute: 1.5e-7, relative: 0 }
    await expectAllClose(results.queries, rotated(q, turned), close)
    await expectAllClose(results.keys, rotated(k, turned), close)
    expect(await results.values.data()).toEqual(Float32Array.from(k))
    for (const tensor of Object.values(results)) tensor.dispose()
  })

  it.each([
    ['whole heads', 8, 1],
    ['heads in part and by a magnitude', 4, 1.19],
  ])('of f16 rounds what a cache of f32 gets, and turns queries as it does (%s)', async (_, rotaryDim, magnitude) => {
    const device = await testDevice()
    const [batch, rows, heads, kvHeads, headDim, capacity] = [2, 3, 4, 2, 8, 6]
    const of = (dtype: 'f32' | 'f16') =>
      device.scope(() => {
        const random = (stream: number, columns: number) =>
          device.tensor(numbers(batch * rows * columns, stream), { shape: [batch, rows, columns] })
        const projections = {
          q: random(1, heads * headDim),
          k: random(2, kvHeads * headDim),
          v: random(3, kvHeads * headDim),
        }
        const shape = [batch, capacity, kvHeads, headDim]
        const cache = { keys: device.zeros(shape, dtype), values: device.zeros(shape, dtype) }
        const frequencies = exactFrequencies(device, frequenciesOf(rotaryDim))
        const start = device.tensor([0, 4], { dtype: 'u32' }) // the last row of the second sequence is past the capacity
        const queries = ropeIntoCache(projections, cache, { frequencies, start, magnitude })
        return { queries, ...cache }
      })
    const [wide, half] = [of('f32'), of('f16')]
    expect(await half.queries.data()).toEqual(await wide.queries.data())
    for (const name of ['keys', 'values'] as const) {
      const whole = (await wide[name].data()) as Float32Array
      expect(await half[name].data()).toEqual(f16.decode(f16.encode!(whole)))
    }
    for (const tensor of [...Object.values(wide), ...Object.values(half)]) tensor.dispose()
  })

  it.each([
    ['whole heads', 64, 64, 1],
    ['heads of an odd number of blocks, in part and by a magnitude', 96, 20, 1.19],
  ])(
    'of q8_0 writes what it gets to the nearest 127th of the largest of 32, and turns queries as ever (%s)',
    async (_, headDim, rotaryDim, magnitude) => {
      const device = await testDevice()
      const [batch, rows, heads, kvHeads, capacity] = [2, 3, 2, 1, 6]
      const starts = [0, 4] // the last row of the second sequence is past the capacity
      const frequencies = frequenciesOf(rotaryDim)
      const [q, k, v] = [numbers(6 * heads * headDim, 1), numbers(6 * headDim, 2), numbers(6 * headDim, 3)]
      v.fill(0, 0, 32) // a block of nothing
      for (let i = 32; i < 64; i++) v[i]! *= 1e-6 // and one of what f16 has no scale for
      const results = device.scope(() => {
        const projection = (x: number[]) => device.tensor(x, { shape: [batch, rows, x.length / 6] })
        const zeros = () => device.zeros([batch, capacity, kvHeads, (9 * headDim) / 32], 'u32')
        const cache = { keys: zeros(), values: zeros() }
        const options = { frequencies: exactFrequencies(device, frequencies), magnitude }
        const start = device.tensor(starts, { dtype: 'u32' })
        const projections = { q: projection(q), k: projection(k), v: projection(v) }
        return { queries: ropeIntoCache(projections, cache, { ...options, start }), ...cache }
      })
      const turning = { starts, rows, frequencies, headDim, magnitude }
      await expectAllClose(results.queries, rotated(q, { ...turning, heads }), { absolute: 2.5e-7, relative: 0 })
      const expected = { keys: rotated(k, { ...turning, heads: kvHeads }), values: v }
      for (const name of ['keys', 'values'] as const) {
        const written = outOfBlocks((await results[name].data()) as Uint32Array)
        for (let place = 0; place < batch * capacity; place++) {
          const row = (place % capacity) - starts[Math.floor(place / capacity)]!
          const at = (Math.floor(place / capacity) * rows + row) * headDim
          const is = written.subarray(place * headDim, (place + 1) * headDim)
          const isThere = row >= 0 && row < rows
          const exact = isThere ? expected[name].slice(at, at + headDim) : Array(headDim).fill(0)
          const nearest = outOfBlocks(inBlocks(exact))
          for (let i = 0; i < headDim; i++) {
            const d = Math.max(...exact.slice(i - (i % 32), i - (i % 32) + 32).map(Math.abs)) / 127
            // Where float64 is as good as between two bytes, it may be the other.
            const isBetween = Math.abs(((exact[i]! / d) % 1) - Math.sign(exact[i]!) * 0.5) < 1e-3
            expect(Math.abs(is[i]! - nearest[i]!)).toBeLessThanOrEqual((isBetween ? 1.001 : 2e-4) * d)
            expect(Math.abs(is[i]! - exact[i]!)).toBeLessThanOrEqual(0.501 * d)
          }
        }
      }
      for (const tensor of Object.values(results)) tensor.dispose()
    },
  )

  it('of f16 refuses heads whose halves share words, and keys and values of two dtypes', async () => {
    const device = await testDevice()
    device.scope(() => {
      const write = (headDim: number, turned: number, dtypes = ['f16', 'f16'] as const) => {
        const [keys, values] = dtypes.map((dtype) => device.zeros([1, 2, 1, headDim], dtype)) as [Tensor, Tensor]
        const x = device.zeros([1, 1, headDim])
        ropeIntoCache({ q: x, k: x, v: x }, { keys, values }, { frequencies: device.zeros([turned / 2]) })
      }
      write(8, 4)
      expect(() => write(6, 4)).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }))
      expect(() => write(8, 6)).toThrow(/not 8 and 6/)
      expect(() => write(8, 8, ['f16', 'f32'] as never)).toThrow(expect.objectContaining({ code: 'DTYPE_MISMATCH' }))
      expect(() => write(8, 8, ['u32', 'u32'] as never)).toThrow(/headDim a multiple of 32/)
    })
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
