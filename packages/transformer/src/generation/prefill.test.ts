import { expectAllClose } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import type { CausalLM } from '../model/index'
import { randomModel } from '../pretrained/families.fixture'
import { prefill, prefillPositions } from './prefill'

const small = { architecture: 'llama', hiddenSize: 8, layers: 1, heads: 1, kvHeads: 1 }
const text = (length: number) => Array.from({ length }, (_, i) => 5 + ((i * 7) % 500))

/** The model, and how many rows each of its passes had. */
function watched(model: CausalLM): { watched: CausalLM; passes: number[] } {
  const passes: number[] = []
  const forward: CausalLM['forward'] = (tokens, options) => {
    passes.push(tokens.shape[1]!)
    return model.forward(tokens, options)
  }
  return { watched: Object.create(model, { forward: { value: forward } }), passes }
}

describe('prefill', () => {
  it('ends passes at multiples of 64 positions, of 2048 at most, wherever a text begins and however long it is', async () => {
    const { model, dispose } = await randomModel({ ...small, contextLength: 4200 })
    for (const [start, length, expected] of [
      [0, 5, [5]],
      [0, 64, [64]],
      [0, 65, [64, 1]],
      [0, 2048, [1984, 64]],
      [0, 4100, [2048, 2048, 4]],
      [2000, 48, [48]],
      [2000, 49, [48, 1]],
      [2048, 20, [20]],
    ] as const) {
      const cache = model.createCache()
      cache.advance([start])
      const { watched: counted, passes } = watched(model)
      prefill(counted, cache, text(length)).dispose()
      expect(passes).toEqual(expected)
      expect(cache.lengths).toEqual([start + length])
      cache.dispose()
    }
    dispose()
  })

  it('reads a text longer than a pass as if in one, and to the same bits where it is read up to a multiple first', async () => {
    const { model, dispose } = await randomModel({ ...small, contextLength: 4096 })
    const ids = text(prefillPositions + 30)
    const caches = [0, 1, 2].map(() => model.createCache({ capacity: ids.length }))
    const tokens = model.device.tensor(Uint32Array.from(ids), { shape: [1, ids.length] })
    const whole = model.forward(tokens, { cache: caches[0]!, rows: 'last' })
    const once = prefill(model, caches[1]!, ids)
    prefill(model, caches[2]!, ids.slice(0, prefillPositions)).dispose()
    const twice = prefill(model, caches[2]!, ids.slice(prefillPositions))
    await expectAllClose(once, await whole.data(), { absolute: 1e-4, relative: 0 })
    expect(await twice.data()).toEqual(await once.data())
    for (const held of [tokens, whole, once, twice, ...caches]) held.dispose()
    dispose()
  })
})
