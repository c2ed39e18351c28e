import { multiply } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import type { CausalLM, KvCache } from '../model/index'
import { tinyModel } from '../pretrained/tiny-model.fixture'
import { changedModel } from './changed-model.fixture'
import { checkKvCache } from './check-kv-cache'

let model: CausalLM
beforeAll(async () => {
  model = tinyModel(await testDevice(), { seed: 7 }).model
})

type Methods = Required<
  Pick<KvCache, 'truncate' | 'advance' | 'copySequence' | 'copyBlock' | 'appendBlock' | 'dispose'>
>

/** A model whose caches do something of their own. */
const changed = (change: (cache: KvCache, sound: Methods) => Partial<Methods>): CausalLM =>
  changedModel(model, {
    createCache(options) {
      const cache = model.createCache(options)
      const sound: Methods = {
        truncate: cache.truncate.bind(cache),
        advance: cache.advance.bind(cache),
        copySequence: cache.copySequence.bind(cache),
        copyBlock: cache.copyBlock!.bind(cache),
        appendBlock: cache.appendBlock!.bind(cache),
        dispose: cache.dispose.bind(cache),
      }
      return Object.assign(cache, change(cache, sound))
    },
  })

/** A model that says something else once a cache has gone back. */
function remembering(): CausalLM {
  let wentBack = false
  const { createCache } = changed((_, sound) => ({
    truncate(length) {
      wentBack = true
      sound.truncate(length)
    },
  }))
  return changedModel(model, {
    createCache,
    forward(tokens, options) {
      const logits = model.forward(tokens, options)
      return wentBack ? multiply(logits, 1 + 2 ** -20) : logits
    },
  })
}

describe('a cache', () => {
  it('that keeps what KvCache promises passes', () => checkKvCache(model))

  it.each<[string, () => CausalLM]>([
    [
      'a cache is empty at first',
      () => changedModel(model, { createCache: ({ batchSize: _, ...options } = {}) => model.createCache(options) }),
    ],
    [
      'it goes back by length',
      () =>
        changed(({ lengths }, { truncate }) => ({
          truncate: (to) => truncate(typeof to === 'number' ? lengths.with(0, to) : to),
        })),
    ],
    ['it goes back by length', remembering],
    [
      'a length beyond the present one is refused',
      () =>
        changed((cache, { truncate }) => ({
          truncate: (to) =>
            truncate(cache.lengths.map((length, b) => Math.min(length, typeof to === 'number' ? to : to[b]!))),
        })),
    ],
    [
      // One sequence after another, so that those before the one without room have been counted.
      'tokens are counted as read',
      () =>
        changed((cache, { advance }) => ({
          advance(counts) {
            for (const [b, count] of counts.entries()) advance(cache.lengths.map((_, i) => (i === b ? count : 0)))
          },
        })),
    ],
    [
      'a sequence is taken over from another cache',
      () => changed((_, { copySequence }) => ({ copySequence: (to, source) => copySequence(to, source, 0) })),
    ],
    [
      'a sequence that there is no room for is refused',
      () =>
        changed((cache, { truncate, copySequence }) => ({
          copySequence(to, source, from) {
            truncate(cache.lengths.with(to, 0))
            copySequence(to, source, from)
          },
        })),
    ],
    [
      'where positions can be copied out',
      () => changed((_, { copyBlock }) => ({ copyBlock: (_, first, count) => copyBlock(0, first, count) })),
    ],
    [
      // A block of which the cache is only reminded, and which goes with it.
      'where positions can be copied out',
      () =>
        changed((cache, { advance }) => ({
          appendBlock: (sequence, { count }) => advance(cache.lengths.map((_, b) => (b === sequence ? count : 0))),
        })),
    ],
    ['its memory is freed', () => changed(() => ({ dispose() {} }))],
  ])('that breaks one is told: %s', async (promise, make) => {
    await expect(checkKvCache(make())).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: { promise: expect.stringContaining(promise) },
    })
  })
})
