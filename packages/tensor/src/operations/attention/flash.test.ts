import { afterAll, describe, expect, it } from 'vitest'
import { valueAndGradient } from '../../autograd/value-and-gradient'
import type { Device } from '../../device/device'
import { f16 } from '../../formats/f16'
import { expectAllClose, likeGpu } from '../../testing'
import { slice } from '../layout/slice'
import { multiply } from '../pointwise/binary'
import { cast } from '../pointwise/cast'
import { sum } from '../reduce/sum'
import { type AttentionOptions, attention } from './attention'
import {
  type AttentionShape,
  attentionInFloat64,
  causal,
  randomNumbers,
  seenBy,
  type Visibility,
} from './attention.fixture'

const tolerance = { absolute: 3e-5, relative: 1e-4 }
/** GPUs with the least workgroup memory that there is, and with twice that. */
const [small, large] = [
  likeGpu({ others: { maxWorkgroupBytes: 16_384 } }),
  likeGpu({ others: { maxWorkgroupBytes: 32_768 } }),
]
afterAll(async () => {
  for (const device of await Promise.all([small, large])) device.dispose()
})

const roundedToHalves = (x: Float32Array) => f16.decode(f16.encode!(x))

function numbers({ batch, rows, heads, keys, kvHeads, headDim }: AttentionShape) {
  const q = randomNumbers(batch * rows * heads * headDim, 1)
  const [k, v] = [2, 3].map((stream) => randomNumbers(batch * keys * kvHeads * headDim, stream)) as [typeof q, typeof q]
  return { q, k, v, dout: randomNumbers(q.length, 4) }
}

/** Attention by `flash` over what is held in these dtypes, as f32. */
const attended = (
  device: Device,
  { q, k, v }: Record<'q' | 'k' | 'v', Float32Array>,
  { batch, rows, heads, keys, kvHeads, headDim }: AttentionShape,
  options: AttentionOptions = {},
  [queries, cache]: readonly ['f32' | 'f16', 'f32' | 'f16'] = ['f32', 'f32'],
) =>
  device.scope(() => {
    const kv = [k, v].map((x) => cast(device.tensor(x, { shape: [batch, keys, kvHeads, headDim] }), cache))
    const asked = cast(device.tensor(q, { shape: [batch, rows, heads, headDim] }), queries)
    const out = attention(asked, kv[0]!, kv[1]!, { kernel: 'flash', ...options })
    expect(out.dtype).toBe(queries)
    return cast(out, 'f32')
  })

describe('attention by tiles of keys in workgroup memory', () => {
  it.each([
    ['heads of 20 that share by three, in three tiles', { rows: 50, heads: 6, kvHeads: 2, keys: 50, headDim: 20 }, {}],
    [
      'heads of 32 over a cache, with a window, a scale and a cap',
      { rows: 21, heads: 2, kvHeads: 1, keys: 66, headDim: 32 },
      { start: 45, window: 23, softCap: 2, scale: 0.3 },
    ],
  ] as const)('agrees with float64 in values and every gradient: %s', async (_, sizes, options) => {
    const device = await small
    const shape = { batch: 2, ...sizes }
    const { start = 0, window, ...score } = options as AttentionOptions & { start?: number }
    const host = numbers(shape)
    const expected = attentionInFloat64(host, shape, { sees: causal([start, start], window), ...score })
    const of = (x: Float32Array<ArrayBuffer>, length: number, heads: number) =>
      device.tensor(x, { shape: [2, length, heads, shape.headDim] })
    const inputs = {
      q: of(host.q, shape.rows, shape.heads),
      k: of(host.k, shape.keys, shape.kvHeads),
      v: of(host.v, shape.keys, shape.kvHeads),
    }
    const { gradients, aux: out } = valueAndGradient(inputs, (p) => {
      const out = attention(p.q, p.k, p.v, { ...options, kernel: 'flash' })
      return { value: sum(multiply(out, of(host.dout, shape.rows, shape.heads))), aux: out }
    })
    await expectAllClose(out, expected.out, tolerance)
    for (const name of ['q', 'k', 'v'] as const)
      await expectAllClose(gradients[name], expected[`d${name}`], { absolute: 2e-4, relative: 1e-3 })
  })

  it('agrees with float64 for heads of 128, of f16', async () => {
    const device = await large
    const shape = { batch: 1, rows: 35, heads: 2, kvHeads: 1, keys: 75, headDim: 128 }
    const { q, k, v } = numbers(shape)
    const host = { q, k: roundedToHalves(k), v: roundedToHalves(v) }
    using out = attended(device, host, shape, { start: 40 }, ['f32', 'f16'])
    await expectAllClose(out, attentionInFloat64(host, shape, { sees: causal([40]) }).out, tolerance)
  })

  it('sees what it is given to see, over gaps, with starts by sequence, whole and in splits', async () => {
    const device = await small
    const shape = { batch: 2, rows: 30, heads: 3, keys: 160, kvHeads: 1, headDim: 8 }
    const starts = [0, 20]
    // Rows with a prefix, with a group far behind it, with both, and with nothing.
    const visible: Visibility = starts.map(() =>
      Array.from({ length: 30 }, (_, t) => [t % 3 ? t : 0, 105, t % 4 ? 0 : 0x80000005 >>> t] as const),
    )
    const host = numbers(shape)
    using visibility = device.tensor(Uint32Array.from(visible.flat(2)), { shape: [2, 30, 3], dtype: 'u32' })
    using start = device.tensor(starts, { dtype: 'u32' })
    for (const options of [{}, { window: 6 }, { span: 50 }] as const) {
      using out = attended(device, host, shape, { start, visibility, ...options })
      const { window } = options as AttentionOptions
      await expectAllClose(
        out,
        attentionInFloat64(host, shape, { sees: seenBy(visible, starts, window) }).out,
        tolerance,
      )
    }
  })

  it('gives a row the same bits whatever rows are beside it, and however a prompt is cut', async () => {
    const device = await small
    const [rows, heads, headDim] = [90, 3, 20]
    const shape = { batch: 1, rows, heads, keys: rows, kvHeads: 1, headDim }
    const { q, k, v } = numbers(shape)
    for (const window of [undefined, 37]) {
      using whole = attended(device, { q, k, v }, shape, { window })
      const all = await whole.data()
      for (const [start, end] of [
        [0, 17],
        [17, 57],
        [57, 89],
        [89, 90],
      ] as const) {
        const [from, to] = [start * heads * headDim, end * heads * headDim]
        // A cache that ends with the piece.
        const some = { q: q.slice(from, to), k: k.slice(0, end * headDim), v: v.slice(0, end * headDim) }
        using piece = attended(device, some, { ...shape, rows: end - start, keys: end }, { start, window })
        expect(await piece.data(), `rows ${start} to ${end}`).toEqual(all.slice(from, to))
      }
    }
  })

  it('reads queries and a cache of f16 as they lie, to the bits that their numbers in f32 give', async () => {
    const device = await small
    const shape = { batch: 1, rows: 20, heads: 4, keys: 45, kvHeads: 2, headDim: 32 }
    const { q, k, v } = numbers(shape)
    const host = { q: roundedToHalves(q), k: roundedToHalves(k), v: roundedToHalves(v) }
    const expected = attentionInFloat64(host, shape, { sees: causal([25]) }).out
    using whole = attended(device, host, shape, { start: 25 })
    using cached = attended(device, host, shape, { start: 25 }, ['f32', 'f16'])
    await expectAllClose(cached, expected, tolerance)
    expect(await cached.data()).toEqual(await whole.data())
    for (const span of [undefined, 16]) {
      using halves = attended(device, host, shape, { start: 25, span }, ['f16', 'f16'])
      await expectAllClose(halves, expected, { absolute: 1e-3 })
    }
  })

  it('leaves a row of NaN as NaN and the others alone, and survives scores beyond what exp can hold', async () => {
    const device = await small
    const tensorOf = (rows: readonly (readonly number[])[]) => {
      const values = rows.flatMap((row) => Array.from({ length: 20 }, (_, i) => row[i] ?? 0))
      return device.tensor(Float32Array.from(values), { shape: [1, 2, 1, 20] })
    }
    using q = tensorOf([[Number.NaN, 1], [500]])
    using k = tensorOf([[1], [-90]])
    using v = tensorOf([
      [1, 2, 3, 4],
      [9, 9, 9, 9],
    ])
    using out = attention(q, k, v, { kernel: 'flash' })
    const values = [...(await out.data())]
    expect(values.slice(0, 4)).toEqual(new Array(4).fill(Number.NaN))
    expect(values.slice(20, 24)).toEqual([1, 2, 3, 4])
  })

  it('is what a GPU chooses for more than 16 rows, and not for fewer', async () => {
    const device = await large
    const shape = { batch: 1, rows: 24, heads: 2, keys: 70, kvHeads: 1, headDim: 64 }
    const host = numbers(shape)
    using forced = attended(device, host, shape, { start: 46 })
    using chosen = attended(device, host, shape, { start: 46, kernel: undefined })
    await expectAllClose(chosen, attentionInFloat64(host, shape, { sees: causal([46]) }).out, tolerance)
    expect(await chosen.data()).toEqual(await forced.data())
    // Of 16 rows a row keeps the bits that it has alone.
    const few = (from: number, count: number) =>
      device.scope(() => {
        const rows = slice(device.tensor(host.q, { shape: [24, 128] }), { start: from, count })
        const [k, v] = [host.k, host.v].map((x) => device.tensor(x, { shape: [1, 70, 1, 64] }))
        return attention(rows.reshape([1, count, 2, 64]), k!, v!, { start: 46 + from })
      })
    using together = few(0, 16)
    using alone = few(15, 1)
    expect(await alone.data()).toEqual((await together.data()).slice(15 * 128))
    expect(await together.data()).not.toEqual((await forced.data()).slice(0, 16 * 128))
  })

  it('is refused for a head that workgroup memory does not hold', async () => {
    const device = await large
    using q = device.zeros([1, 20, 1, 1024])
    expect(() => attention(q, q, q, { kernel: 'flash' })).toThrow('kernel flash does not take this form here')
  })
})
