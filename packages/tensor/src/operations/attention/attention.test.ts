import { describe, expect, it } from 'vitest'
import { valueAndGradient } from '../../autograd/value-and-gradient'
import { f16 } from '../../formats/f16'
import { expectAllClose, testDevice } from '../../testing'
import { slice } from '../layout/slice'
import { cast } from '../pointwise/cast'
import { sum } from '../reduce/sum'
import { type AttentionOptions, attention } from './attention'
import { attentionInFloat64, causal, randomNumbers as random } from './attention.fixture'
import { inBlocks, outOfBlocks } from './blocked-cache.fixture'

describe('attention', () => {
  for (const [headDim, heads, kvHeads, kernel] of [
    [4, 2, 2, undefined],
    [8, 4, 1, undefined],
    [64, 6, 2, undefined],
    [64, 6, 2, 'shared'],
    [64, 6, 2, 'decoding'],
    [4, 2, 2, 'decoding'],
    [20, 4, 1, 'decoding'],
    [512, 2, 1, 'decoding'],
    [128, 2, 1, undefined],
  ] as const)
    it(`agrees with float64 for ${heads} heads over ${kvHeads} of ${headDim}, kernel ${kernel ?? 'as chosen'}, with unequal starts in a longer cache`, async () => {
      const device = await testDevice()
      const shape = { batch: 3, rows: 4, heads, keys: 40, kvHeads, headDim }
      const starts = [0, 7, 30]
      const q = random(3 * 4 * heads * headDim, 1)
      const k = random(3 * 40 * kvHeads * headDim, 2)
      const v = random(3 * 40 * kvHeads * headDim, 3)
      const out = device.scope(() =>
        attention(
          device.tensor(q, { shape: [3, 4, heads, headDim] }),
          device.tensor(k, { shape: [3, 40, kvHeads, headDim] }),
          device.tensor(v, { shape: [3, 40, kvHeads, headDim] }),
          { start: device.tensor(starts, { dtype: 'u32' }), kernel },
        ),
      )
      await expectAllClose(out, attentionInFloat64({ q, k, v }, shape, { sees: causal(starts) }).out, {
        absolute: 2e-5,
        relative: 1e-4,
      })
      out.dispose()
    })

  it.each([undefined, 'shared', 'decoding'] as const)(
    'in splits agrees with float64, and of one split it is the whole to the bit (kernel %s)',
    async (kernel) => {
      const device = await testDevice()
      const shape = { batch: 2, rows: 3, heads: 4, keys: 70, kvHeads: 2, headDim: 8 }
      const starts = [3, 61]
      const [q, k, v] = [random(2 * 3 * 4 * 8, 10), random(2 * 70 * 2 * 8, 11), random(2 * 70 * 2 * 8, 12)]
      for (const window of [undefined, 20]) {
        const of = (span?: number) =>
          device.scope(() =>
            attention(
              device.tensor(q, { shape: [2, 3, 4, 8] }),
              device.tensor(k, { shape: [2, 70, 2, 8] }),
              device.tensor(v, { shape: [2, 70, 2, 8] }),
              { start: device.tensor(starts, { dtype: 'u32' }), window, kernel, span },
            ),
          )
        using whole = of()
        using splits = of(16)
        using one = of(70)
        await expectAllClose(splits, attentionInFloat64({ q, k, v }, shape, { sees: causal(starts, window) }).out, {
          absolute: 2e-5,
          relative: 1e-4,
        })
        expect(await one.data()).toEqual(await whole.data())
      }
    },
  )

  it.each([
    ['as chosen', 8, {}],
    ['shared', 8, { kernel: 'shared' }],
    ['decoding', 20, { kernel: 'decoding' }],
    ['as chosen, in splits', 64, { span: 16 }],
  ] as const)(
    'reads a cache of f16 to the bits that its numbers in f32 give (kernel %s)',
    async (_, headDim, options) => {
      const device = await testDevice()
      const shape = [2, 40, 2, headDim]
      const rounded = (stream: number) =>
        f16.decode(f16.encode!(Float32Array.from(random(2 * 40 * 2 * headDim, stream))))
      const q = random(2 * 5 * 6 * headDim, 16)
      const [k, v] = [rounded(17), rounded(18)]
      const of = (dtype: 'f32' | 'f16') =>
        device.scope(() =>
          attention(
            device.tensor(q, { shape: [2, 5, 6, headDim] }),
            cast(device.tensor(k, { shape }), dtype),
            cast(device.tensor(v, { shape }), dtype),
            { start: device.tensor([3, 35], { dtype: 'u32' }), ...options },
          ),
        )
      using half = of('f16')
      using whole = of('f32')
      expect(half.dtype).toBe('f32')
      expect(await half.data()).toEqual(await whole.data())
    },
  )

  it('does not widen a cache of f16 as a whole', async () => {
    const device = await testDevice()
    using q = device.tensor(random(8, 19), { shape: [1, 1, 1, 8] })
    using cache = device.zeros([1, 100_000, 1, 8], 'f16')
    device.resetPeak()
    const before = device.memory.liveBytes
    using _ = attention(q, cache, cache, { start: 3 })
    expect(device.memory.peakBytes - before).toBeLessThan(cache.bytes)
  })

  it.each([
    ['as chosen', 96, {}],
    ['shared', 64, { kernel: 'shared' }],
    ['decoding', 64, { kernel: 'decoding', window: 7 }],
    ['as chosen, in splits', 64, { span: 16 }],
  ] as const)(
    'reads a cache of q8_0 to the bits that its numbers in f32 give, which are those of float64 (kernel %s)',
    async (_, headDim, options) => {
      const device = await testDevice()
      const shape = { batch: 2, rows: 3, heads: 4, keys: 40, kvHeads: 2, headDim }
      const blocks = (stream: number) => inBlocks(random(2 * 40 * 2 * headDim, stream))
      const q = Float32Array.from(random(2 * 3 * 4 * headDim, 20))
      const [k, v] = [blocks(21), blocks(22)]
      const of = (dtype: 'f32' | 'u32') =>
        device.scope(() => {
          const cache = (words: Uint32Array<ArrayBuffer>) =>
            device.tensor(dtype === 'u32' ? words : outOfBlocks(words), {
              shape: [2, 40, 2, dtype === 'u32' ? (9 * headDim) / 32 : headDim],
            })
          const start = device.tensor([3, 35], { dtype: 'u32' })
          const queries = device.tensor(q, { shape: [2, 3, 4, headDim] })
          return attention(queries, cache(k), cache(v), { start, ...options })
        })
      using blocked = of('u32')
      using whole = of('f32')
      expect(await blocked.data()).toEqual(await whole.data())
      const { window } = options as AttentionOptions
      const numbers = { q, k: outOfBlocks(k), v: outOfBlocks(v) }
      const { out } = attentionInFloat64(numbers, shape, { sees: causal([3, 35], window) })
      await expectAllClose(blocked, out, { absolute: 2e-5, relative: 1e-4 })
    },
  )

  it('refuses a cache of q8_0 whose heads are no whole blocks, beside other values, and with gradients', async () => {
    const device = await testDevice()
    device.scope(() => {
      const given = (headDim: number, width: number, values: 'u32' | 'f32' = 'u32') =>
        [
          device.zeros([1, 1, 1, headDim]),
          device.zeros([1, 2, 1, width], 'u32'),
          device.zeros([1, 2, 1, width], values),
        ] as const
      attention(...given(64, 18))
      expect(() => attention(...given(48, 18))).toThrow(/headDim must be a multiple of 32/)
      expect(() => attention(...given(32, 18))).toThrow(/9 · headDim \/ 32/)
      const mistyped = expect.objectContaining({ code: 'DTYPE_MISMATCH' })
      expect(() => attention(...given(32, 9, 'f32'))).toThrow(mistyped)
      const [q, k, v] = given(32, 9)
      expect(() => valueAndGradient({ q }, ({ q }) => sum(attention(q, k, v)))).toThrow(mistyped)
      const half = cast(q, 'f16')
      expect(() => attention(half, k, v)).toThrow(/these are f16 and u32/)
    })
  })

  it('in splits gives a row the same bits whatever rows are computed with it, and however long the cache is', async () => {
    const device = await testDevice()
    const [rows, heads, headDim, keys] = [16, 2, 8, 300]
    using q = device.tensor(random(rows * heads * headDim, 13), { shape: [1, rows, heads, headDim] })
    using k = device.tensor(random(keys * headDim, 14), { shape: [1, keys, 1, headDim] })
    using v = device.tensor(random(keys * headDim, 15), { shape: [1, keys, 1, headDim] })
    using together = attention(q, k, v, { start: 90, span: 32 })
    const all = await together.data()
    const shorter = (x: typeof k) =>
      slice(x.reshape([keys, headDim]), { start: 0, count: 110 }).reshape([1, 110, 1, headDim])
    for (let t = 0; t < rows; t += 5) {
      using alone = device.scope(() =>
        attention(
          slice(q.reshape([rows, heads, headDim]), { start: t, count: 1 }).reshape([1, 1, heads, headDim]),
          shorter(k),
          shorter(v),
          { start: 90 + t, span: 32 },
        ),
      )
      expect(await alone.data()).toEqual(all.slice(t * heads * headDim, (t + 1) * heads * headDim))
    }
  })

  it.each([1, 3, 17, 100])('sees no further back than a window of %i', async (window) => {
    const device = await testDevice()
    const shape = { batch: 2, rows: 9, heads: 4, keys: 70, kvHeads: 2, headDim: 8 }
    const starts = [0, 50]
    const q = random(2 * 9 * 4 * 8, 7)
    const k = random(2 * 70 * 2 * 8, 8)
    const v = random(2 * 70 * 2 * 8, 9)
    const out = device.scope(() =>
      attention(
        device.tensor(q, { shape: [2, 9, 4, 8] }),
        device.tensor(k, { shape: [2, 70, 2, 8] }),
        device.tensor(v, { shape: [2, 70, 2, 8] }),
        { start: device.tensor(starts, { dtype: 'u32' }), window },
      ),
    )
    await expectAllClose(out, attentionInFloat64({ q, k, v }, shape, { sees: causal(starts, window) }).out, {
      absolute: 2e-5,
      relative: 1e-4,
    })
    out.dispose()
  })

  it.each([undefined, 'decoding'] as const)(
    'gives a row the same bits whatever rows are computed with it (kernel %s)',
    async (kernel) => {
      const device = await testDevice()
      const [rows, heads, headDim, keys] = [16, 4, 16, 90]
      using q = device.tensor(random(rows * heads * headDim, 4), { shape: [1, rows, heads, headDim] })
      using k = device.tensor(random(keys * 2 * headDim, 5), { shape: [1, keys, 2, headDim] })
      using v = device.tensor(random(keys * 2 * headDim, 6), { shape: [1, keys, 2, headDim] })
      for (const window of [undefined, 20]) {
        using together = attention(q, k, v, { start: 60, window, kernel })
        const all = await together.data()
        for (let t = 0; t < rows; t++) {
          using alone = device.scope(() =>
            attention(
              slice(q.reshape([rows, heads, headDim]), { start: t, count: 1 }).reshape([1, 1, heads, headDim]),
              k,
              v,
              { start: 60 + t, window, kernel },
            ),
          )
          expect(await alone.data()).toEqual(all.slice(t * heads * headDim, (t + 1) * heads * headDim))
        }
      }
    },
  )

  it('survives scores far beyond what exp can hold', async () => {
    const device = await testDevice()
    using q = device.full([1, 2, 1, 4], 100)
    using k = device.tensor(Float32Array.of(1, 1, 1, 1, -90, -90, -90, -90), { shape: [1, 2, 1, 4] })
    using v = device.tensor(Float32Array.of(1, 2, 3, 4, 9, 9, 9, 9), { shape: [1, 2, 1, 4] })
    using out = attention(q, k, v)
    expect(await out.toArray()).toEqual([[[[1, 2, 3, 4]], [[1, 2, 3, 4]]]])
  })

  it('refuses to record gradients through the kernel decoding', async () => {
    const device = await testDevice()
    using q = device.zeros([1, 2, 2, 4])
    expect(() => valueAndGradient({ q }, ({ q }) => sum(attention(q, q, q, { kernel: 'decoding' })))).toThrow(
      /decoding does not take this form/,
    )
  })

  it('refuses heads that do not share evenly, and prints the shapes', async () => {
    const device = await testDevice()
    using q = device.zeros([1, 2, 3, 4])
    using k = device.zeros([1, 2, 2, 4])
    expect(() => attention(q, k, k)).toThrow(/attention: \[1, 2, 3, 4\] and \[1, 2, 2, 4\].*multiple of kvHeads/)
  })
})
