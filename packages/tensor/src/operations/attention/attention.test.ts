import { describe, expect, it } from 'vitest'
import { valueAndGradient } from '../../autograd/value-and-gradient'
import { f16 } from '../../formats/f16'
import { expectAllClose, testDevice } from '../../testing'
import { slice } from '../layout/slice'
import { cast } from '../pointwise/cast'
import { sum } from '../reduce/sum'
import { attention } from './attention'
import { attentionInFloat64, causal, randomNumbers as random } from './attention.fixture'

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
