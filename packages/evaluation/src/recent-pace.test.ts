import { expect, it } from 'vitest'
import { RecentPace } from './recent-pace'

/** Marks of so many units at each moment, in milliseconds. */
const after = (units: readonly (readonly [at: number, done: number])[], start = 0) => {
  const pace = new RecentPace(0, start)
  for (const [at, done] of units) pace.mark(at, done)
  return pace
}

it('is that of the last third of the time: a slow beginning is left behind', () => {
  const slow = [[1000, 1]] as const
  const fast = Array.from({ length: 30 }, (_, i) => [1000 + 100 * (i + 1), 2 + i] as const)
  expect(after(slow).perSecond(1000, 1)).toBe(1)
  expect(after([...slow, ...fast]).perSecond(4000, 31)).toBeCloseTo(10)
})

it('counts nothing that was done before', () => {
  expect(after([[500, 12]], 10).perSecond(1000, 14)).toBe(4)
})

it('stands units that come at the very moment of the beginning, as clocks of browsers are coarse', () => {
  const pace = after([
    [0, 1],
    [0, 2],
  ])
  pace.mark(1000, 4)
  expect(pace.perSecond(1000, 4)).toBe(4)
})
