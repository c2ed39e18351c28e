import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CausalLM } from '../model/index'
import { randomModel } from '../pretrained/families.fixture'
import { BatchCache, type CachedSequence } from './batch-cache'

const small = { architecture: 'llama', hiddenSize: 8, layers: 2, heads: 1, kvHeads: 1, contextLength: 1024 }

let model: CausalLM
let dispose: () => void
beforeAll(async () => {
  ;({ model, dispose } = await randomModel(small))
})
afterAll(() => dispose?.())

const bytesOf = ({ heldBytes, pooledBytes }: CausalLM['device']['memory']) => heldBytes - pooledBytes

describe('the memory of a cache', () => {
  it('is what the model says before it is made', () => {
    for (const options of [{ capacity: 64 }, { batchSize: 4, capacity: 100 }, { batchSize: 3, capacity: 7 }, {}]) {
      const before = bytesOf(model.device.memory)
      const cache = model.createCache(options)
      expect(bytesOf(model.device.memory) - before).toBe(model.cacheBytes!(options))
      cache.dispose()
    }
  })

  it('grows by no more than was said, while sequences come and go in any number and length', () => {
    const { device } = model
    const cached = new BatchCache({ model, config: model.config as never }, 8)
    // xorshift32, for the same sequences each time.
    let state = 7
    const random = (below: number) => {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      return (state >>> 0) % below
    }
    let grown = 0
    for (let round = 0; round < 40; round++) {
      for (const sequence of [...cached.sequences]) if (random(3) === 0) cached.remove(sequence)
      cached.settle()
      const coming = Array.from({ length: Math.min(random(4), 8 - cached.sequences.size) }, () => ({
        places: 1 + random(300),
        slot: -1,
      })) satisfies CachedSequence[]
      const last = coming.pop()
      for (const sequence of coming) cached.reserve(sequence)
      const growth = cached.growth(last?.places)!
      if (last) cached.reserve(last)
      expect(cached.growth()).toBe(growth)
      const before = device.memory.liveBytes
      device.resetPeak()
      for (const sequence of last ? [...coming, last] : coming) {
        const read = model.createCache({ capacity: 1 })
        cached.add(sequence, read)
        read.dispose()
      }
      const taken = device.memory.peakBytes - before - (last ? model.cacheBytes!({ capacity: 1 }) : 0)
      expect(taken).toBeLessThanOrEqual(growth)
      if (taken > 0) grown++
      expect(cached.growth()).toBe(0)
    }
    expect(grown).toBeGreaterThan(5)
    cached.dispose()
  })

  it('is not known where the model does not say', () => {
    const { device, config } = model
    const silent = { device, config, createCache: model.createCache.bind(model) } as unknown as CausalLM
    expect(new BatchCache({ model: silent, config: config as never }, 2).growth(5)).toBeUndefined()
  })
})
