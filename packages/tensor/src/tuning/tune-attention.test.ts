import { afterAll, describe, expect, it } from 'vitest'
import { attention } from '../operations/attention/attention'
import { attentionInFloat64, causal, randomNumbers } from '../operations/attention/attention.fixture'
import { partLengths, partNames } from '../operations/attention/select'
import { add } from '../operations/pointwise/binary'
import { expectAllClose, gpuSubgroups, likeGpu, testDevice } from '../testing'
import { attentionKey, KernelChoices, takesChoice } from './kernel-choices'
import { type AttentionCandidate, attentionProblems, tuneAttention } from './tune-attention'

const gpu = likeGpu()
afterAll(async () => (await gpu).dispose())

const heads = { heads: 4, kvHeads: 2, headDim: 32 } as const

/** A length of parts whose result is off in one element. */
const wrong = (name: AttentionCandidate['name']): AttentionCandidate => ({
  name,
  run: (q, k, v, start) =>
    q.device.scope(() => {
      const y = attention(q, k, v, { start, span: partLengths[name] })
      const error = new Float32Array(y.size)
      error[0] = 0.05
      return add(y, q.device.tensor(error, { shape: y.shape }))
    }),
})

const right = (name: AttentionCandidate['name']): AttentionCandidate => ({
  name,
  run: (q, k, v, start) => attention(q, k, v, { start, span: partLengths[name] }),
})

describe('tuning of attention for few rows', () => {
  it('times every length of parts over caches of each dtype, all of them as float64 says, and keeps no memory', async () => {
    const device = await gpu
    const before = device.memory.liveBytes
    const kinds = (['f32', 'f16', 'q8_0'] as const).map((cache) => ({ ...heads, cache }))
    const { weights, notReached } = await tuneAttention(device, [...kinds, kinds[0]!], {
      attend: attention,
      keys: 150,
      budget: 60_000,
    })
    expect(notReached).toEqual([])
    expect(weights.map(({ key, rows, standard }) => [key, rows, standard])).toEqual(
      ['f32', 'f16', 'q8_0'].map((cache) => [`attention 4/2x32 ${cache}`, 4, 'parts256']),
    )
    for (const { wrong, milliseconds } of weights) {
      expect(wrong).toEqual([])
      expect(Object.keys(milliseconds).sort()).toEqual([...partNames].sort())
    }
    expect(device.memory.liveBytes).toBe(before)
  })

  it('sets a length aside whose result is wrong, and there is nothing to time where keys are not cut', async () => {
    const device = await gpu
    const { weights } = await tuneAttention(device, [{ ...heads, cache: 'f32' }], {
      attend: attention,
      keys: 100,
      budget: 60_000,
      candidates: [wrong('parts256'), right('parts64'), right('parts128')],
    })
    expect(weights[0]).toMatchObject({ wrong: ['parts256'], standard: 'parts256' })
    expect(['parts64', 'parts128']).toContain(weights[0]!.chosen)
    expect(attentionProblems(await testDevice(), [{ ...heads, cache: 'f32' }], { attend: attention })).toEqual([])
  })

  it('is used for up to 16 rows, each with the bits that it has alone, and settled once it has been', async () => {
    const device = await gpu
    const of = { ...heads, heads: 6, cache: 'f32' } as const
    const shape = { batch: 1, rows: 16, keys: 200, ...of }
    const host = {
      q: randomNumbers(16 * 6 * 32, 1),
      k: randomNumbers(200 * 2 * 32, 2),
      v: randomNumbers(200 * 2 * 32, 3),
    }
    using q = device.tensor(host.q, { shape: [1, 16, 6, 32] })
    using k = device.tensor(host.k, { shape: [1, 200, 2, 32] })
    using v = device.tensor(host.v, { shape: [1, 200, 2, 32] })
    device.kernels.use({ [attentionKey(of)]: 'parts64' })
    const start = 180
    using all = attention(q, k, v, { start })
    await expectAllClose(all, attentionInFloat64(host, shape, { sees: causal([start]) }).out)
    const data = await all.data()
    using named = attention(q, k, v, { start, span: 64 })
    expect(await named.data()).toEqual(data)
    using usual = attention(q, k, v, { start, span: 256 })
    expect(await usual.data()).not.toEqual(data)
    device.kernels.use({ [attentionKey(of)]: 'parts1024' })
    for (const [row, count] of [
      [0, 1],
      [15, 1],
      [3, 2],
      [7, 8],
    ] as const) {
      const [first, after] = [row * 6 * 32, (row + count) * 6 * 32]
      using some = device.scope(() =>
        attention(device.tensor(host.q.slice(first, after), { shape: [1, count, 6, 32] }), k, v, {
          start: start + row,
        }),
      )
      expect(await some.data(), `${count} rows`).toEqual(data.slice(first, after))
    }
  })

  it('is known by name where a device cuts the keys', async () => {
    const { capabilities } = await testDevice()
    const like = { ...capabilities, ...gpuSubgroups['NVIDIA, Apple'] }
    const key = attentionKey({ ...heads, cache: 'q8_0' })
    expect(takesChoice(key, 'parts512', like)).toBe(true)
    for (const name of ['parts1', 'dot', 'constructor']) expect(takesChoice(key, name, like)).toBe(false)
    expect(takesChoice('attention 4x32 f32', 'parts512', like)).toBe(false)
    expect(takesChoice(key, 'parts512', { ...like, subgroupMinSize: 4, subgroupMaxSize: 4 })).toBe(false)
    const choices = new KernelChoices()
    choices.use({ [key]: 'parts64' })
    expect(choices.attention({ ...heads, cache: 'q8_0' })).toBe('parts64')
    expect(choices.attention({ ...heads, cache: 'f32' })).toBeUndefined()
  })
})
