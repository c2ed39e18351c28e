import { expect, it } from 'vitest'
import { WordCache } from './word-cache'

it('keeps the words that were met last, and never more than twice its size', () => {
  const cache = new WordCache(10)
  cache.set('often', [1])
  for (let i = 0; i < 1000; i++) {
    cache.set(`word ${i}`, [i])
    expect(cache.get('often')).toEqual([1])
    expect(cache.kept).toBeLessThanOrEqual(20)
  }
  expect(cache.get('word 999')).toEqual([999])
  expect(cache.get('word 3')).toBeUndefined()
})
