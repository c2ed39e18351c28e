import { testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import type { ModelConfig } from '../config/index'
import { checkCausalLM } from '../testing/index'
import { type CacheDtype, cacheRowBytes, Decoder } from './index'
import { randomised } from './randomised.fixture'
import { smallConfig } from './small-config.fixture'

const config: ModelConfig = { ...smallConfig, headDim: 8 }

/** The same model with caches of both kinds. */
const pair = async (cacheDtype: CacheDtype, changes: Partial<ModelConfig> = {}) => {
  const device = await testDevice()
  const changed = { ...config, ...changes }
  const wide = randomised(device, changed, 11)
  return { device, wide, narrow: new Decoder(device, changed, wide.parameters, { cacheDtype }) }
}

describe.each<[CacheDtype, Partial<ModelConfig>, number]>([
  ['f16', {}, 0.01],
  ['q8_0', { headDim: 32 }, 0.05],
])('a cache of %s', (cacheDtype, sizes, distance) => {
  it('gives the logits of one of f32 but for a rounding, with a cache and without', async () => {
    const { device, wide, narrow } = await pair(cacheDtype, sizes)
    using tokens = device.tensor(Uint32Array.from([3, 1, 4, 1, 5, 9, 2, 6]), { shape: [1, 8] })
    const logits = async (model: Decoder, isCached: boolean) => {
      const cache = isCached ? model.createCache({ capacity: 8 }) : undefined
      using result = model.forward(tokens, cache && { cache })
      cache?.dispose()
      return (await result.data()) as Float32Array
    }
    const [whole, rounded] = [await logits(wide, true), await logits(narrow, true)]
    const furthest = Math.max(...whole.map((value, i) => Math.abs(value - rounded[i]!)))
    expect(furthest).toBeGreaterThan(0)
    expect(furthest).toBeLessThan(distance)
    expect(await logits(narrow, false)).toEqual(rounded)
    wide.dispose()
  })

  it('takes less memory by as much as more positions fit into a binding', async () => {
    const { device, wide, narrow } = await pair(cacheDtype, sizes)
    const bytes = (model: Decoder) => {
      const before = device.memory.liveBytes
      const cache = model.createCache({ capacity: 1024 })
      const taken = device.memory.liveBytes - before
      cache.dispose()
      return taken
    }
    const { headDim } = wide.config
    expect(bytes(wide)).toBe(2 * 2 * 1024 * 2 * headDim * 4)
    const part = { f16: 2 / 4, q8_0: 36 / 32 / 4, f32: 1 }[cacheDtype]
    expect(bytes(narrow)).toBe(bytes(wide) * part)
    expect(cacheRowBytes(narrow.config, cacheDtype)).toBe(2 * headDim * 4 * part)
    expect(narrow.maxCachePositions).toBe(Math.floor(wide.maxCachePositions / part))
    wide.dispose()
  })

  it('takes over no sequence of a cache of f32', async () => {
    const { device, wide, narrow } = await pair(cacheDtype, sizes)
    const [from, to] = [wide.createCache({ capacity: 4 }), narrow.createCache({ capacity: 4 })]
    using tokens = device.tensor(Uint32Array.from([1, 2]), { shape: [1, 2] })
    wide.forward(tokens, { cache: from }).dispose()
    const mixed = `the other cache holds f32, this one ${cacheDtype}`
    expect(() => to.copySequence(0, from, 0)).toThrow(mixed)
    const block = from.copyBlock!(0, 0, 2)
    expect(block.bytes).toBe(2 * 2 * 2 * 2 * wide.config.headDim * 4)
    expect(() => to.appendBlock!(0, block)).toThrow(mixed)
    expect(() => to.appendBlock!(0, { ...block })).toThrow(/another kind/)
    expect(to.lengths).toEqual([0])
    for (const held of [block, from, to, wide]) held.dispose()
  })
})

describe('caches that round', () => {
  it.each<[CacheDtype, string, Partial<ModelConfig>]>([
    ['f16', '', {}],
    ['f16', ', with heads turned in part', { rotaryDim: 4, headDim: 20 }],
    ['f16', ', with a window and layers that know no positions', { slidingWindow: 3, layersWithoutRope: [1] }],
    ['q8_0', '', { headDim: 32 }],
    ['q8_0', ', with heads turned in part, of one block', { rotaryDim: 12, headDim: 32, kvHeads: 1 }],
  ])(
    'keep all that a model promises: rows of one to sixteen have the same bits, and so have replays (%s%s)',
    async (cacheDtype, _, changes) => {
      const device = await testDevice()
      const changed = { ...config, ...changes }
      using model = new Decoder(device, changed, randomised(device, changed, 12).parameters, { cacheDtype })
      await checkCausalLM(model)
      if (changes.rotaryDim || changes.slidingWindow) return
      const before = device.memory.liveBuffers
      await checkCausalLM(model)
      expect(device.memory.liveBuffers).toBe(before)
    },
  )

  it('are refused where the type is not known, or does not take the heads', async () => {
    const { wide } = await pair('f16')
    const decoder = (cacheDtype: string) => () =>
      new Decoder(wide.device, config, wide.parameters, { cacheDtype: cacheDtype as CacheDtype })
    expect(decoder('q3')).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', remedy: 'Give cacheDtype f32, f16 or q8_0.' }),
    )
    expect(decoder('q8_0')).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED',
        message: expect.stringContaining(
          'A cache of q8_0 takes heads of a multiple of 32; those of this model are of 8.',
        ),
        remedy: 'Use a cache of f16.',
      }),
    )
    wide.dispose()
  })
})
