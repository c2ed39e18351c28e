import { expect, it } from 'vitest'
import { readRows } from './target-states'

it('says how many rows of a step the target had to read', () => {
  const none = { computed: 0, fromMemory: 0, fromDirectory: 0 }
  expect(readRows({ computed: 8, fromMemory: 0, fromDirectory: 0 }, none)).toBe('target reads 8 of 8 rows')
  const before = { computed: 8, fromMemory: 2, fromDirectory: 1 }
  expect(readRows({ computed: 11, fromMemory: 4, fromDirectory: 4 }, before)).toBe('target reads 3 of 8 rows')
  expect(readRows({ computed: 8, fromMemory: 10, fromDirectory: 1 }, before)).toBe('target kept')
})
