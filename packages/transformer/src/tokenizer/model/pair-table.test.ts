import { expect, it } from 'vitest'
import { PairTable } from './pair-table'

it('holds the last value of each pair, however many there are', () => {
  const table = new PairTable(4)
  for (let a = 0; a < 60; a++) for (let b = 0; b < 60; b++) table.set(a, b, a * b)
  for (let a = 0; a < 60; a++) table.set(a, 7, 1)
  expect(table.size).toBe(3600)
  expect([table.get(5, 6), table.get(6, 5), table.get(59, 59), table.get(8, 7)]).toEqual([30, 30, 3481, 1])
  expect([table.get(60, 0), table.get(0, 60), table.get(-5, 1)]).toEqual([-1, -1, -1])
})
