import { expect, it } from 'vitest'
import { openingCount, ownOpenings } from './openings'
import { seedKey } from './seed-row'

it('no two openings are the same, and there are as many as is said', () => {
  for (const kind of ['chat', 'text'] as const) {
    const all = ownOpenings(1e6, kind)
    expect(all).toHaveLength(openingCount(kind))
    expect(new Set(all.map(seedKey)).size).toBe(all.length)
    for (const { messages } of all) expect(messages[0]!.content).not.toContain('…')
  }
})

it('the first few are of all tasks', () => {
  const tasks = ownOpenings(12, 'chat').map(({ category }) => category)
  expect(new Set(tasks.slice(0, 6)).size).toBe(6)
  expect(tasks.slice(6)).toEqual(tasks.slice(0, 6))
})

it('for a target that continues, they are beginnings of texts', () => {
  expect(ownOpenings(6, 'text').every(({ category }) => category === 'text')).toBe(true)
})
