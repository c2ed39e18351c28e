import { describe, expect, it } from 'vitest'
import { linear } from '../operations/matmul/linear'
import { add } from '../operations/pointwise/binary'
import { uniform01 } from '../random/philox'
import type { Tensor } from '../tensor'
import { randomWeights, testDevice } from '../testing'
import { choiceKey, KernelChoices, takesChoice } from './kernel-choices'
import { type LinearCandidate, tuneLinear } from './tune-linear'

const random = (size: number, stream: number) =>
  Float32Array.from({ length: size }, (_, i) => 2 * uniform01(stream, i) - 1)

const right = (name: LinearCandidate['name']): LinearCandidate => ({
  name,
  run: (x, w) => linear(x, w, { kernel: 'dot' }),
})

/** As `right`, but for one element that is off by a product. */
const wrongAt = (name: LinearCandidate['name'], place: number): LinearCandidate => ({
  name,
  run: (x, w) =>
    x.device.scope(() => {
      const y = linear(x, w, { kernel: 'dot' })
      const error = new Float32Array(y.size)
      error[place] = 0.2
      return add(y, x.device.tensor(error, { shape: y.shape }))
    }),
})

const [n, k, rows] = [36, 32, 20]

describe('tuning of linear layers', () => {
  it('times every kernel that takes the form, of a shape and format once, and chooses one that is right', async () => {
    const device = await testDevice()
    const before = device.memory.liveBytes
    const [a, again] = [3, 4].map((stream) =>
      device.tensor(randomWeights('q8_0', n * k, stream), { shape: [n, k], dtype: 'q8_0' }),
    ) as [Tensor, Tensor]
    const seen: number[] = []
    const tuning = await tuneLinear([a, again], {
      rows,
      budget: 300_000,
      onProgress: ({ done, total }) => seen.push(done / total),
    })
    expect(tuning.weights.map(({ key }) => key)).toEqual(['linear 36x32 q8_0'])
    expect(seen).toEqual([1])
    for (const { key, milliseconds, wrong, standard, chosen } of tuning.weights) {
      expect(wrong).toEqual([])
      expect(Object.keys(milliseconds)).toEqual(expect.arrayContaining(['dot', 'tiled64x64', standard, chosen]))
      const best = Math.min(...Object.values(milliseconds))
      if (chosen === standard) {
        expect(milliseconds[standard]! * 0.95).toBeLessThanOrEqual(best)
        expect(tuning.kernels).not.toHaveProperty([key])
      } else {
        expect(milliseconds[chosen]).toBe(best)
        expect(tuning.kernels).toHaveProperty([key], chosen)
      }
    }
    a.dispose()
    again.dispose()
    expect(device.memory.liveBytes).toBe(before)
  })

  it('sets a kernel aside that is wrong in one element, wherever it is, and names it', async () => {
    const device = await testDevice()
    using weight = device.tensor(random(n * k, 1), { shape: [n, k] })
    const tune = (candidates: readonly LinearCandidate[]) =>
      tuneLinear([weight], { rows, budget: 60_000, candidatesFor: () => candidates })
    for (const place of [0, 333, rows * n - 1]) {
      const { weights } = await tune([right('dot'), wrongAt('tiled64x64', place), right('tiled32x64')])
      expect(weights[0]!.wrong, `element ${place}`).toEqual(['tiled64x64'])
      expect(weights[0]!.milliseconds).not.toHaveProperty('tiled64x64')
    }
    // Where what is used without tuning is the wrong one, another is chosen, fast or not.
    const { weights, kernels } = await tune([wrongAt('dot', 0), right('tiled32x64')])
    expect(weights[0]).toMatchObject({ wrong: ['dot'], standard: 'dot', chosen: 'tiled32x64' })
    expect(kernels).toEqual({ 'linear 36x32 f32': 'tiled32x64' })
    await expect(tune([wrongAt('dot', 0)])).rejects.toMatchObject({ code: 'KERNEL' })
  })

  it('counts what is not finite as wrong', async () => {
    const device = await testDevice()
    using weight = device.tensor(random(n * k, 1), { shape: [n, k] })
    const broken = (x: Tensor) => {
      const y = random(rows * n, 5).fill(Number.NaN)
      return x.device.tensor(y, { shape: [rows, n] })
    }
    const { weights } = await tuneLinear([weight], {
      rows,
      budget: 60_000,
      candidatesFor: () => [right('dot'), { name: 'tiled64x64', run: broken }],
    })
    expect(weights[0]!.wrong).toEqual(['tiled64x64'])
  })

  it('leaves the default where time is up, and ends where it is told to', async () => {
    const device = await testDevice()
    using weight = device.tensor(random(n * k, 1), { shape: [n, k] })
    const late: LinearCandidate = {
      name: 'tiled64x64',
      run: (x, w) => {
        const end = performance.now() + 5
        while (performance.now() < end);
        return linear(x, w, { kernel: 'dot' })
      },
    }
    const candidatesFor = () => [right('dot'), late]
    const tuning = await tuneLinear([weight], { rows, budget: 1, candidatesFor })
    expect(tuning).toEqual({ weights: [], notReached: ['linear 36x32 f32'], kernels: {} })
    const stop = new AbortController()
    stop.abort()
    await expect(tuneLinear([weight], { rows, signal: stop.signal })).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(tuneLinear([weight], { budget: 0 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(tuneLinear([weight], { rows: 0 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})

describe('kernel choices', () => {
  const weights = { n: 36, k: 32, dtype: 'f32' } as const
  it('stay as they were when first asked for, tuned or not', () => {
    const choices = new KernelChoices()
    expect(choices.linear(weights)).toBeUndefined()
    choices.use({ 'linear 36x32 f32': 'tiled64x64', 'linear 8x32 f32': 'dot' })
    expect(choices.linear(weights)).toBeUndefined()
    expect(choices.linear({ ...weights, n: 8 })).toBe('dot')
    choices.use({ 'linear 8x32 f32': 'tiled64x64' })
    expect(choices.linear({ ...weights, n: 8 })).toBe('dot')
    expect(choices.toJSON()).toEqual({ 'linear 8x32 f32': 'dot' })
  })

  it('that something was begun with are taken over whatever was tuned, but not where another has run', () => {
    const choices = new KernelChoices()
    const [wide, narrow] = [weights, { ...weights, n: 8 }]
    const [key, other] = [choiceKey(wide), choiceKey(narrow)] as const
    choices.use({ [key]: 'dot', [other]: 'dot' })
    expect(choices.adopt({ [key]: 'tiled64x64' })).toEqual([])
    choices.use({ [other]: 'dot' })
    expect([wide, narrow].map((one) => choices.linear(one))).toEqual(['tiled64x64', undefined])
    expect(choices.toJSON()).toEqual({ [key]: 'tiled64x64' })
    expect(choices.adopt({ [key]: 'dot', [other]: 'dot' })).toEqual([key, other])
    expect(choices.adopt({ 'linear 5x8 f32': 'dot' })).toEqual([key])
    expect([wide, narrow].map((one) => choices.linear(one))).toEqual(['tiled64x64', undefined])
  })

  it('are known by name where a device has the kernel', async () => {
    const { capabilities } = await testDevice()
    const takes = (key: string, name: string, limits = {}) => takesChoice(key, name, { ...capabilities, ...limits })
    expect(takes('linear 36x32 f32', 'dot')).toBe(true)
    expect(takes('linear 36x32 q4_0', 'tiled64x64')).toBe(true)
    expect(takes('linear 36x30 f32', 'tiled64x64')).toBe(false)
    expect(takes('linear 36x32 f32', 'tiled128x64', { maxWorkgroupBytes: 1024 })).toBe(false)
    for (const name of ['plain', 'tiled128x128', 'constructor']) expect(takes('linear 36x32 f32', name)).toBe(false)
    for (const key of ['linear', 'matmul 36x32 f32', 'linear 36x32']) expect(takes(key, 'dot')).toBe(false)
  })
})
