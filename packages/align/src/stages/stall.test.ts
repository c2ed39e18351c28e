import { expect, it } from 'vitest'
import { bestOf, hasStalled, heldOutTokens } from './stall'

const history = (...tokens: number[]) =>
  tokens.flatMap((τ, i) => [
    { step: 10 * i + 5, loss: 1 },
    { step: 10 * i + 10, eval_loss: 1, eval_acceptance_rate: 0.5, eval_acceptance_length: { 3: τ, 5: 9 } },
  ])

it('the best validation is the first from which none differs by more than noise', () => {
  expect(bestOf(history(1.2, 1.3, 1.3005, 1.29))?.step).toBe(20)
  expect(bestOf([{ step: 1, loss: 2 }])).toBeNull()
})

it('a phase has stalled when so many validations have come after the best', () => {
  expect(hasStalled(history(1.2, 1.3, 1.29, 1.3), 3)).toBe(false)
  expect(hasStalled(history(1.2, 1.3, 1.29, 1.3, 1.28), 3)).toBe(true)
  expect(hasStalled([], 3)).toBe(false)
})

it('rows that are too short for a block count by their acceptance', () => {
  expect(heldOutTokens({ step: 1, eval_acceptance_rate: 0.4, eval_acceptance_length: {} })).toBe(1.4)
})
