import { testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import type { ModelConfig } from '../config/index'
import { checkCausalLM } from '../testing/index'
import { type CacheDtype, Decoder } from './index'
import { randomised } from './randomised.fixture'
import { smallConfig } from './small-config.fixture'

const config: ModelConfig = { ...smallConfig, headDim: 8 }

/** The same model with caches of both kinds. */
const pair = async () => {
  const device = await testDevice()
  const wide = randomised(device, config, 11)
  return { device, wide, half: new Decoder(device, config, wide.parameters, { cacheDtype: 'f16' }) }
}

describe('a cache of f16', () => {
  it.each<[string, Partial<ModelConfig>]>([
    ['', {}],
    [', with heads turned in part', { rotaryDim: 4, headDim: 20 }],
    [', with a window and layers that know no positions', { slidingWindow: 3, layersWithoutRope: [1] }],
  ])(
    'keeps all that a model promises: rows of one to sixteen have the same bits, and so have replays%s',
    async (_, changes) => {
      const device = await testDevice()
      const changed = { ...config, ...changes }
      using model = new Decoder(device, changed, randomised(device, changed, 12).parameters, { cacheDtype: 'f16' })
      await checkCausalLM(model)
      const before = device.memory.liveBuffers
      await checkCausalLM(model)
      expect(device.memory.liveBuffers).toBe(before)
    },
  )

  it('gives the logits of one of f32 but for a rounding, with a cache and without', async () => {
    const { device, wide, half } = await pair()
    using tokens = device.tensor(Uint32Array.from([3, 1, 4, 1, 5, 9, 2, 6]), { shape: [1, 8] })
    const logits = async (model: Decoder, isCached: boolean) => {
      const cache = isCached ? model.createCache({ capacity: 8 }) : undefined
      using result = model.forward(tokens, cache && { cache })
      cache?.dispose()
      return (await result.data()) as Float32Array
    }
    const [whole, rounded] = [await logits(wide, true), await logits(half, true)]
    const furthest = Math.max(...whole.map((value, i) => Math.abs(value - rounded[i]!)))
    expect(furthest).toBeGreaterThan(0)
    expect(furthest).toBeLessThan(0.01)
    expect(await logits(half, false)).toEqual(rounded)
    wide.dispose()
  })

  it('takes half the memory, and twice the positions fit into a binding', async () => {
    const { device, wide, half } = await pair()
    const bytes = (model: Decoder) => {
      const before = device.memory.liveBytes
      const cache = model.createCache({ capacity: 1024 })
      const taken = device.memory.liveBytes - before
      cache.dispose()
      return taken
    }
    expect(bytes(wide)).toBe(2 * 2 * 1024 * 2 * 8 * 4)
    expect(bytes(half)).toBe(bytes(wide) / 2)
    expect(half.maxCachePositions).toBe(2 * wide.maxCachePositions)
    wide.dispose()
  })

  it('takes over no sequence of a cache of f32', async () => {
    const { device, wide, half } = await pair()
    const [from, to] = [wide.createCache({ capacity: 4 }), half.createCache({ capacity: 4 })]
    using tokens = device.tensor(Uint32Array.from([1, 2]), { shape: [1, 2] })
    wide.forward(tokens, { cache: from }).dispose()
    expect(() => to.copySequence(0, from, 0)).toThrow(/the other cache holds f32, this one f16/)
    const block = from.copyBlock!(0, 0, 2)
    expect(block.bytes).toBe(2 * 2 * 2 * 2 * 8 * 4)
    expect(() => to.appendBlock!(0, block)).toThrow(/the other cache holds f32, this one f16/)
    expect(() => to.appendBlock!(0, { ...block })).toThrow(/another kind/)
    expect(to.lengths).toEqual([0])
    for (const held of [block, from, to, wide]) held.dispose()
  })

  it('of a type that is not known is refused', async () => {
    const { wide } = await pair()
    expect(() => new Decoder(wide.device, config, wide.parameters, { cacheDtype: 'q3' as CacheDtype })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', remedy: 'Give cacheDtype f32 or f16.' }),
    )
    wide.dispose()
  })
})
