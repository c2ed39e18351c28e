import type { CausalLM, KvCache, PretrainedModel } from '@outrider/transformer'
import { expect, it } from 'vitest'
import { KeptPrefixes } from './kept-prefixes'

/** A cache that keeps lengths alone. */
function cacheOf(length: number): KvCache {
  const block = (_: number, first: number, count: number) => ({ first, count, bytes: 1, dispose() {} })
  const cache = { lengths: [length], capacity: 500, copyBlock: block, appendBlock: () => {} }
  return cache as unknown as KvCache
}

it('keeps what the target and an opened draft have read, of a draft in training nothing, and of other targets nothing', () => {
  const [target, other, draft] = [{}, {}, {}].map((model) => ({ model }) as unknown as PretrainedModel)
  const kept = new KeptPrefixes()
  const text = Array.from({ length: 150 }, (_, i) => i)
  const known = (models: Parameters<KeptPrefixes['of']>[0], model: CausalLM) => {
    const prefixes = kept.of(models)
    const given = prefixes.restore(model, cacheOf(0), text)
    prefixes.keep(model, cacheOf(150), text)
    return given
  }
  const pair = (origin: 'opened' | 'trained', of = target) => ({
    target: of,
    draft: { name: 'a draft', origin, model: draft! },
  })
  expect(known(pair('opened'), target!.model)).toBe(0)
  expect(known(pair('opened'), target!.model)).toBe(128)
  expect(known(pair('trained'), target!.model)).toBe(128)
  for (const origin of ['trained', 'trained', 'opened'] as const) expect(known(pair(origin), draft!.model)).toBe(0)
  expect(known(pair('opened'), draft!.model)).toBe(128)
  expect(known(pair('trained'), draft!.model)).toBe(0)
  expect(known(pair('opened', other), other!.model)).toBe(0)
  expect(known(pair('opened'), target!.model)).toBe(0)
})
