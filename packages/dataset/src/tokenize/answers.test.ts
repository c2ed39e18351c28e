import { expect, it } from 'vitest'
import { answersOf } from './answers'

it('gives each run of tokens that are to be learned, the last up to the end', () => {
  const examples = [
    { tokens: [1, 2, 3, 4, 5, 6, 7], lossMask: [0, 1, 1, 0, 0, 1, 1] },
    { tokens: [8, 9], lossMask: [0, 0] },
    { tokens: [10, 11, 12], lossMask: [1, 0, 1] },
    { tokens: [], lossMask: [] },
  ]
  expect([...answersOf(examples)]).toEqual([[2, 3], [6, 7], [10], [12]])
})
