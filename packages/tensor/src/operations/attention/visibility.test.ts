import { describe, expect, it } from 'vitest'
import { valueAndGradient } from '../../autograd/value-and-gradient'
import type { Device } from '../../device/device'
import { uniform01 } from '../../random/philox'
import type { Tensor } from '../../tensor'
import { expectAllClose, testDevice } from '../../testing'
import { multiply } from '../pointwise/binary'
import { cast } from '../pointwise/cast'
import { sum } from '../reduce/sum'
import { type AttentionOptions, attention } from './attention'
import { type AttentionShape, attentionInFloat64, randomNumbers, seenBy, type Visibility } from './attention.fixture'

const kernels = [undefined, 'shared', 'decoding'] as const

const tensorOf = (device: Device, visibility: Visibility) =>
  device.tensor(Uint32Array.from(visibility.flat(2)), {
    shape: [visibility.length, visibility[0]!.length, 3],
    dtype: 'u32',
  })

/** Numbers that f16 has. */
const rounded = (size: number, stream: number) => randomNumbers(size, stream).map((x) => Math.round(64 * x) / 64)

function inputs({ batch, rows, heads, keys, kvHeads, headDim }: AttentionShape) {
  const [qShape, kvShape] = [
    [batch, rows, heads, headDim],
    [batch, keys, kvHeads, headDim],
  ]
  const size = (shape: number[]) => shape.reduce((a, b) => a * b)
  const values = {
    q: rounded(size(qShape), 1),
    k: rounded(size(kvShape), 2),
    v: rounded(size(kvShape), 3),
    dout: rounded(size(qShape), 4),
  }
  const tensors = (device: Device, dtype: 'f32' | 'f16' = 'f32') => ({
    q: device.tensor(values.q, { shape: qShape, dtype }),
    k: device.tensor(values.k, { shape: kvShape, dtype }),
    v: device.tensor(values.v, { shape: kvShape, dtype }),
  })
  return { values, tensors, qShape }
}

/** Rows with a prefix, a group behind it and any of its bits; some see nothing, some only the one or the other. */
function randomVisibility({ batch, rows, keys }: AttentionShape, farthest: number): Visibility {
  let draw = 0
  const below = (n: number) => Math.floor(n * uniform01(11, draw++))
  return Array.from({ length: batch }, () =>
    Array.from({ length: rows }, () => {
      const kind = below(6)
      const prefix = kind < 2 ? 0 : below(farthest)
      const group = prefix + below(keys - farthest - 32)
      return [prefix, group, kind % 3 === 0 ? 0 : below(2 ** 32)] as const
    }),
  )
}

function gradientsOf(
  device: Device,
  tensors: Record<'q' | 'k' | 'v', Tensor>,
  dout: Float32Array<ArrayBuffer>,
  options: AttentionOptions,
) {
  const { gradients, aux: out } = valueAndGradient(tensors, (p) => {
    const out = attention(p.q, p.k, p.v, options)
    const weights = device.tensor(dout, { shape: out.shape })
    return { value: sum(multiply(cast(out, 'f32'), weights)), aux: out }
  })
  return { out, dq: gradients.q, dk: gradients.k, dv: gradients.v }
}

const names = ['out', 'dq', 'dk', 'dv'] as const

describe('visibility in attention', () => {
  it.each([
    [undefined, 'f32', {}],
    ['shared', 'f32', {}],
    [undefined, 'f32', { window: 7 }],
    ['shared', 'f32', { window: 40, softCap: 2 }],
    [undefined, 'f16', { start: 3, scale: 0.2 }],
    ['shared', 'f16', { start: 3, softCap: 1 }],
  ] as const)(
    'of any kind agrees with float64 in values and every gradient (kernel %s, %s, %o)',
    async (kernel, dtype, options) => {
      const device = await testDevice()
      const shape = { batch: 2, rows: 13, heads: 4, keys: 150, kvHeads: 2, headDim: 8 }
      const { values, tensors } = inputs(shape)
      const { start, window }: AttentionOptions & { start?: number } = options
      const visibility = randomVisibility(shape, 60)
      const sees = seenBy(visibility, [start ?? 0, start ?? 0], window)
      const expected = attentionInFloat64(values, shape, { ...options, sees })
      const got = gradientsOf(device, tensors(device, dtype), values.dout, {
        ...options,
        kernel,
        visibility: tensorOf(device, visibility),
      })
      const tolerance = dtype === 'f32' ? { absolute: 2e-5, relative: 1e-4 } : { absolute: 4e-3, relative: 2e-3 }
      for (const name of names) await expectAllClose(cast(got[name], 'f32'), expected[name], tolerance)
    },
  )

  it.each(kernels)(
    'of any kind agrees with float64 over a cache, whole and in splits, with starts by sequence (kernel %s)',
    async (kernel) => {
      const device = await testDevice()
      const shape = { batch: 3, rows: 6, heads: 4, keys: 150, kvHeads: 2, headDim: 8 }
      const { values, tensors } = inputs(shape)
      const starts = [0, 9, 40]
      const visibility = randomVisibility({ ...shape, keys: 110 }, 40)
      for (const [dtype, window, span] of [
        ['f32', undefined, undefined],
        ['f32', 50, 16],
        ['f32', 5, 7],
        ['f16', 5, 16],
      ] as const) {
        const expected = attentionInFloat64(values, shape, { sees: seenBy(visibility, starts, window) })
        using out = device.scope(() => {
          const { q, k, v } = tensors(device, dtype)
          const start = device.tensor(starts, { dtype: 'u32' })
          return cast(
            attention(q, k, v, { start, window, span, kernel, visibility: tensorOf(device, visibility) }),
            'f32',
          )
        })
        await expectAllClose(
          out,
          expected.out,
          dtype === 'f32' ? { absolute: 2e-5, relative: 1e-4 } : { absolute: 2e-3 },
        )
      }
    },
  )

  it.each([undefined, 'shared'] as const)(
    'that says causal has the bits of causal attention, in gradients too (kernel %s)',
    async (kernel) => {
      const device = await testDevice()
      const shape = { batch: 1, rows: 40, heads: 2, keys: 45, kvHeads: 1, headDim: 8 }
      const { values, tensors } = inputs(shape)
      const byPrefix = [Array.from({ length: 40 }, (_, t) => [t + 1, 0, 0] as const)]
      const byBits = [
        Array.from(
          { length: 40 },
          (_, t) => [Math.max(0, t - 9), Math.max(0, t - 9), 2 ** Math.min(t + 1, 10) - 1] as const,
        ),
      ]
      for (const window of [undefined, 6]) {
        const options = { start: 5, window, kernel }
        const wanted = gradientsOf(device, tensors(device), values.dout, options)
        for (const rows of [byPrefix, byBits]) {
          const got = gradientsOf(device, tensors(device), values.dout, {
            ...options,
            visibility: tensorOf(device, rows),
          })
          for (const name of names) expect(await got[name].data()).toEqual(await wanted[name].data())
        }
      }
    },
  )

  it.each(kernels)(
    'of a tree after a cache gives each node what its path alone gives, with and without a window (kernel %s)',
    async (kernel) => {
      const device = await testDevice()
      const [cached, heads, headDim] = [21, 2, 8]
      const parents = [-1, 0, 0, 1, 1, 2, 4, 6]
      const paths = parents.map((_, node) => {
        const path = []
        for (let at = node; at >= 0; at = parents[at]!) path.unshift(at)
        return path
      })
      const nodes = parents.length
      const shape = { batch: 1, rows: nodes, heads, keys: cached + nodes, kvHeads: 1, headDim }
      const { values, tensors } = inputs(shape)
      const visibility = [paths.map((path) => [0, 0, path.reduce((bits, node) => bits + 2 ** node, 0)] as const)]
      for (const window of [undefined, 2, 9]) {
        using out = device.scope(() => {
          const { q, k, v } = tensors(device)
          return attention(q, k, v, { start: cached, window, kernel, visibility: tensorOf(device, visibility) })
        })
        const all = await out.data()
        for (const [node, path] of paths.entries()) {
          const rowsOf = (x: Float32Array<ArrayBuffer>, columns: number, rows: readonly number[]) =>
            Float32Array.from(rows.flatMap((row) => [...x.subarray(row * columns, (row + 1) * columns)]))
          const keys = [...Array.from({ length: cached }, (_, i) => i), ...path.map((at) => cached + at)]
          using alone = device.scope(() =>
            attention(
              device.tensor(rowsOf(values.q, heads * headDim, path), { shape: [1, path.length, heads, headDim] }),
              device.tensor(rowsOf(values.k, headDim, keys), { shape: [1, keys.length, 1, headDim] }),
              device.tensor(rowsOf(values.v, headDim, keys), { shape: [1, keys.length, 1, headDim] }),
              { start: cached, window, kernel },
            ),
          )
          const last = (await alone.data()).slice(-heads * headDim)
          await expectAllClose(all.slice(node * heads * headDim, (node + 1) * heads * headDim), last, {
            absolute: 1e-6,
          })
        }
      }
    },
  )

  it('of a parallel draft in training lets masks see the real tokens and the masks of their group before them', async () => {
    const device = await testDevice()
    const [real, masks] = [5, 3]
    // Behind the real tokens, a group of masks after each of them.
    const rows = real + real * masks
    const visibility = [
      [
        ...Array.from({ length: real }, (_, t) => [t + 1, 0, 0] as const),
        ...Array.from({ length: real * masks }, (_, i) => {
          const group = Math.floor(i / masks)
          return [group + 1, real + group * masks, 2 ** ((i % masks) + 1) - 1] as const
        }),
      ],
    ]
    const shape = { batch: 1, rows, heads: 2, keys: rows, kvHeads: 2, headDim: 4 }
    const { values, tensors } = inputs(shape)
    const sees = (_: number, row: number, key: number) => {
      if (row < real) return key <= row
      const group = Math.floor((row - real) / masks)
      return key < real ? key <= group : key <= row && Math.floor((key - real) / masks) === group
    }
    const expected = attentionInFloat64(values, shape, { sees })
    const got = gradientsOf(device, tensors(device), values.dout, { visibility: tensorOf(device, visibility) })
    for (const name of names) await expectAllClose(got[name], expected[name], { absolute: 1e-5, relative: 1e-4 })
  })

  it.each(kernels)('gives a row the same bits whatever the others see (kernel %s)', async (kernel) => {
    const device = await testDevice()
    const shape = { batch: 1, rows: 8, heads: 2, keys: 600, kvHeads: 1, headDim: 8 }
    const { tensors } = inputs(shape)
    const mine = [200, 300, 0xf0f0f0f0] as const
    const run = async (others: readonly [number, number, number]) => {
      using out = device.scope(() => {
        const { q, k, v } = tensors(device)
        return attention(q, k, v, {
          kernel,
          visibility: tensorOf(device, [Array.from({ length: 8 }, (_, t) => (t === 2 ? mine : others))]),
        })
      })
      return (await out.data()).slice(2 * 16, 3 * 16)
    }
    const alone = await run(mine)
    for (const others of [
      [0, 0, 0],
      [600, 0, 0],
      [1, 568, 0xffffffff],
      [0, 0, 1],
    ] as const)
      expect(await run(others)).toEqual(alone)
  })

  it('does not read what no row sees between the prefix and a group', async () => {
    const device = await testDevice()
    const [q, k] = [device.full([1, 1, 1, 4], 1), new Float32Array(4096 * 4).fill(1)]
    k.fill(Number.NaN, 400 * 4, 3200 * 4)
    const kv = device.tensor(k, { shape: [1, 4096, 1, 4] })
    using out = attention(q, kv, kv, { visibility: tensorOf(device, [[[3, 4000, 0b1001]]]) })
    expect(await out.toArray()).toEqual([[[[1, 1, 1, 1]]]])
  })

  it('gives zeros to a row that sees nothing, and takes no gradient from it', async () => {
    const device = await testDevice()
    const shape = { batch: 1, rows: 2, heads: 1, keys: 40, kvHeads: 1, headDim: 4 }
    const { values, tensors } = inputs(shape)
    const got = gradientsOf(device, tensors(device), values.dout, {
      visibility: tensorOf(device, [
        [
          [0, 0, 0],
          [0, 60, 1],
        ],
      ]),
    })
    for (const name of names) expect([...(await got[name].data())].every((x) => x === 0)).toBe(true)
    using splits = attention(tensors(device).q, tensors(device).k, tensors(device).v, {
      visibility: tensorOf(device, [
        [
          [0, 0, 0],
          [0, 60, 1],
        ],
      ]),
      span: 8,
    })
    expect([...(await splits.data())].every((x) => x === 0)).toBe(true)
  })

  it('may be made in a scope inside what is differentiated', async () => {
    const device = await testDevice()
    const visible: Visibility = [
      [
        [1, 1, 0],
        [0, 1, 1],
      ],
    ]
    using q = device.tensor(rounded(8, 5), { shape: [1, 2, 1, 4] })
    const gradientOf = (attend: (q: Tensor) => Tensor) => {
      const { value, gradients } = valueAndGradient(q, (q) => sum(multiply(attend(q), q)))
      value.dispose()
      return gradients
    }
    const made = (q: Tensor) => attention(q, q, q, { visibility: tensorOf(device, visible) })
    using plain = gradientOf(made)
    using scoped = gradientOf((q) => device.scope(() => made(q)))
    expect(await scoped.data()).toEqual(await plain.data())
  })

  it('of another shape or dtype is refused', async () => {
    const device = await testDevice()
    using q = device.zeros([1, 2, 2, 4])
    using short = device.zeros([1, 2, 2], 'u32')
    using floats = device.zeros([1, 2, 3])
    for (const visibility of [short, floats])
      expect(() => attention(q, q, q, { visibility })).toThrow(/visibility must be u32 \[1, 2, 3\]/)
  })
})
