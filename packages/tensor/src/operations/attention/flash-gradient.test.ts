import { afterAll, describe, expect, it } from 'vitest'
import { valueAndGradient } from '../../autograd/value-and-gradient'
import type { Device } from '../../device/device'
import { f16 } from '../../formats/f16'
import { expectAllClose, likeGpu } from '../../testing'
import { multiply } from '../pointwise/binary'
import { cast } from '../pointwise/cast'
import { sum } from '../reduce/sum'
import { type AttentionOptions, attention } from './attention'
import {
  type AttentionRule,
  type AttentionShape,
  attentionInFloat64,
  causal,
  randomNumbers,
  seenBy,
  type Visibility,
} from './attention.fixture'

/** GPUs with the least workgroup memory that there is, and with twice that. */
const [small, large] = [
  likeGpu({ others: { maxWorkgroupBytes: 16_384 } }),
  likeGpu({ others: { maxWorkgroupBytes: 32_768 } }),
]
afterAll(async () => {
  for (const device of await Promise.all([small, large])) device.dispose()
})

/** Compares every gradient of attention as a device chooses it with float64, and names the kernels that computed them. */
async function gradients(
  device: Device,
  shape: AttentionShape,
  rule: AttentionRule,
  { cache = 'f32', ...options }: AttentionOptions & { cache?: 'f32' | 'f16' } = {},
): Promise<string[]> {
  const { batch, rows, heads, keys, kvHeads, headDim } = shape
  const rounded = (x: Float32Array<ArrayBuffer>) => (cache === 'f16' ? f16.decode(f16.encode!(x)) : x)
  const host = {
    q: randomNumbers(batch * rows * heads * headDim, 1),
    k: rounded(randomNumbers(batch * keys * kvHeads * headDim, 2)),
    v: rounded(randomNumbers(batch * keys * kvHeads * headDim, 3)),
    dout: randomNumbers(batch * rows * heads * headDim, 4),
  }
  const before = device.memory.liveBytes
  const { kernels } = await device.profile(async () => {
    const of = (x: Float32Array, length: number, count: number) =>
      device.tensor(x as Float32Array<ArrayBuffer>, { shape: [batch, length, count, headDim] })
    const inputs = { q: of(host.q, rows, heads), k: of(host.k, keys, kvHeads), v: of(host.v, keys, kvHeads) }
    const dout = of(host.dout, rows, heads)
    const { gradients, value } = valueAndGradient(inputs, ({ q, k, v }) =>
      sum(multiply(attention(q, cast(k, cache), cast(v, cache), options), dout)),
    )
    const wanted = attentionInFloat64(host, shape, rule)
    for (const name of ['q', 'k', 'v'] as const)
      await expectAllClose(gradients[name], wanted[`d${name}`], { absolute: 2e-4, relative: 1e-3 })
    for (const held of [...Object.values(inputs), ...Object.values(gradients), dout, value]) held.dispose()
  })
  expect(device.memory.liveBytes).toBe(before)
  return kernels
    .map(({ name }) => name)
    .filter((name) => /^attention.*Gradient/.test(name))
    .sort()
}

describe('the gradients of attention by tiles in workgroup memory', () => {
  it('agree with float64 over several blocks of queries and of keys, whose heads share by three, with a window', async () => {
    const shape = { batch: 2, rows: 70, heads: 6, keys: 83, kvHeads: 2, headDim: 20 }
    const rule = { sees: causal([13, 13], 40) }
    expect(await gradients(await small, shape, rule, { start: 13, window: 40 })).toEqual([
      'attentionKeyGradientFlash5x32',
      'attentionQueryGradientFlash5x32',
    ])
  })

  it('agree with float64 for heads of 128, of which a lane has two vectors', async () => {
    const shape = { batch: 1, rows: 35, heads: 2, keys: 75, kvHeads: 1, headDim: 128 }
    const names = await gradients(await large, shape, { sees: causal([40]) }, { start: 40 })
    expect(names).toEqual(['attentionKeyGradientFlash32x32', 'attentionQueryGradientFlash32x32'])
  })

  it('agree with float64 where visibility is given, over gaps and rows that see nothing', async () => {
    const device = await small
    const shape = { batch: 2, rows: 70, heads: 2, keys: 150, kvHeads: 1, headDim: 8 }
    // Rows with a prefix, with a group far behind it, with both, and with nothing.
    const visible: Visibility = [0, 1].map((sequence) =>
      Array.from(
        { length: 70 },
        (_, t) => [t % 3 ? t : 0, 110, (t + sequence) % 4 ? 0 : 0x80000005 >>> (t % 31)] as const,
      ),
    )
    const stored = Uint32Array.from(visible.flat(2))
    using visibility = device.tensor(stored, { shape: [2, 70, 3], dtype: 'u32' })
    const rule = { sees: seenBy(visible, [0, 0]), softCap: 2 }
    expect(await gradients(device, shape, rule, { visibility, softCap: 2 })).toEqual([
      'attentionKeyGradientFlash2x32CappedGiven',
      'attentionQueryGradientFlash2x32CappedGiven',
    ])
  })

  it('are those of shared where tiles of f32 are too large, and of halves were not', async () => {
    const shape = { batch: 1, rows: 18, heads: 1, keys: 18, kvHeads: 1, headDim: 256 }
    const names = await gradients(await small, shape, { sees: causal([0]) }, { cache: 'f16' })
    expect(names).toEqual(['attentionKeyGradient', 'attentionQueryGradient'])
  })
})
