import { describe, expect, it } from 'vitest'
import { valueAndGradient } from '../../autograd/value-and-gradient'
import type { Device } from '../../device/device'
import { expectAllClose, testDevice } from '../../testing'
import { multiply } from '../pointwise/binary'
import { sum } from '../reduce/sum'
import { type AttentionOptions, attention } from './attention'
import { type AttentionShape, attentionInFloat64, causal, randomNumbers } from './attention.fixture'
import { takesSubgroups } from './select'

function inputs(device: Device, { batch, rows, heads, keys, kvHeads, headDim }: AttentionShape) {
  const numbers = (size: number, stream: number) => randomNumbers(size, stream)
  const q = numbers(batch * rows * heads * headDim, 1)
  const [k, v] = [2, 3].map((stream) => numbers(batch * keys * kvHeads * headDim, stream)) as [typeof q, typeof q]
  return {
    values: { q, k, v },
    q: device.tensor(q, { shape: [batch, rows, heads, headDim] }),
    k: device.tensor(k, { shape: [batch, keys, kvHeads, headDim] }),
    v: device.tensor(v, { shape: [batch, keys, kvHeads, headDim] }),
  }
}

/** What the kernel gives beside `subgroups`, or their refusal where the device has no subgroups of one size. */
async function expectBitsOfSubgroups(shape: AttentionShape, optionsOf: (device: Device) => AttentionOptions) {
  const device = await testDevice()
  const { q, k, v } = inputs(device, shape)
  const run = (kernel: 'wide' | 'subgroups') => attention(q, k, v, { ...optionsOf(device), kernel })
  if (!takesSubgroups(shape.headDim, device.capabilities)) {
    for (const kernel of ['wide', 'subgroups'] as const)
      expect(() => run(kernel)).toThrow(`kernel ${kernel} does not take this form here`)
    return
  }
  using narrow = run('subgroups')
  using wide = run('wide')
  expect(await wide.data()).toEqual(await narrow.data())
}

describe('attention by wide blocks', () => {
  it.each([
    ['one group', { rows: 1, heads: 3 }, {}],
    ['two groups, the second not full', { rows: 2, heads: 3 }, { start: 60 }],
    ['four groups over a window', { rows: 14, heads: 1 }, { start: 51, window: 9 }],
    ['six groups, of which one is empty', { rows: 5, heads: 4 }, { start: 40 }],
    ['two blocks, the second not full', { rows: 10, heads: 3 }, { start: 30, window: 40 }],
  ])('of %s has the bits of blocks of four', async (_, { rows, heads }, options) => {
    await expectBitsOfSubgroups({ batch: 2, rows, heads: 2 * heads, keys: 70, kvHeads: 2, headDim: 8 }, () => options)
  })

  it.each([20, 64])('has the bits of blocks of four for heads of %i', async (headDim) => {
    await expectBitsOfSubgroups({ batch: 1, rows: 2, heads: 3, keys: 50, kvHeads: 1, headDim }, () => ({ start: 45 }))
  })

  it('has the bits of blocks of four over splits, with visibility, a cap and starts by sequence', async () => {
    const rows = Array.from({ length: 6 }, (_, t) => [t % 3 ? 7 * t : 0, 42, t === 4 ? 0 : 0x80000005 >>> t] as const)
    await expectBitsOfSubgroups({ batch: 2, rows: 6, heads: 6, keys: 120, kvHeads: 2, headDim: 8 }, (device) => ({
      start: device.tensor([3, 40], { dtype: 'u32' }),
      visibility: device.tensor(Uint32Array.from([...rows, ...rows].flat()), { shape: [2, 6, 3], dtype: 'u32' }),
      window: 30,
      softCap: 2,
      span: 40,
    }))
  })

  it('agrees with float64, a row the same to the bit whatever rows are computed with it', async () => {
    const device = await testDevice()
    const shape = { batch: 1, rows: 16, heads: 3, keys: 90, kvHeads: 1, headDim: 8 }
    const { values, q, k, v } = inputs(device, shape)
    // Where the device cannot, what it chooses instead holds to the same.
    const kernel = takesSubgroups(8, device.capabilities) ? 'wide' : undefined
    using together = attention(q, k, v, { start: 70, kernel })
    await expectAllClose(together, attentionInFloat64(values, shape, { sees: causal([70]) }).out, {
      absolute: 2e-5,
      relative: 1e-4,
    })
    const all = await together.data()
    for (const [first, count] of [
      [0, 1],
      [3, 2],
      [5, 6],
      [4, 12],
    ] as const) {
      const some = values.q.slice(first * 24, (first + count) * 24)
      using alone = attention(device.tensor(some, { shape: [1, count, 3, 8] }), k, v, { start: 70 + first, kernel })
      expect(await alone.data()).toEqual(all.slice(first * 24, (first + count) * 24))
    }
  })

  it('has gradients, those of blocks of four', async () => {
    const device = await testDevice()
    const { q, k, v } = inputs(device, { batch: 1, rows: 9, heads: 4, keys: 9, kvHeads: 2, headDim: 8 })
    const gradientsBy = (kernel: AttentionOptions['kernel']) =>
      valueAndGradient({ q, k, v }, (p) => {
        const out = attention(p.q, p.k, p.v, { kernel })
        return sum(multiply(out, out))
      }).gradients
    const can = takesSubgroups(8, device.capabilities)
    const [wide, narrow] = [gradientsBy(can ? 'wide' : 'shared'), gradientsBy(can ? 'subgroups' : 'shared')]
    for (const name of ['q', 'k', 'v'] as const) expect(await wide[name].data()).toEqual(await narrow[name].data())
  })
})
