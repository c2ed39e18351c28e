import type { LogEntry } from '@outrider/training'
import { expect, it } from 'vitest'
import { onPolicyOf, onPolicySummary, onPolicyText } from './on-policy'

it('is a share and a temperature, of which the latter says nothing alone', () => {
  expect(onPolicyOf({ onPolicy: 0.3, onPolicyTemperature: 0.7 })).toEqual({ share: 0.3, temperature: 0.7 })
  expect(onPolicyOf({})).toBeUndefined()
  expect(() => onPolicyOf({ onPolicyTemperature: 0.7 })).toThrow(/temperature is of answers.*draws itself/)
})

it('says how much of a run was on-policy, and α apart over the last tenth of its steps', () => {
  const history: LogEntry[] = Array.from({ length: 20 }, (_, i) => ({ step: i + 1, loss: 1, acceptance_rate: 0.1 }))
  history[3]!.on_policy = { share: 1, acceptance_rate: 0.2 }
  history[18]!.acceptance_rate = 0.7
  history[19]!.on_policy = { share: 0.5, acceptance_rate: 0.4, data_acceptance_rate: 0.6 }
  history.push({ step: 20, eval_loss: 2 })
  const summary = onPolicySummary(history)!
  expect(summary).toEqual({ share: 0.075, acceptance_rate: 0.4, data_acceptance_rate: (0.7 + 0.6) / 2 })
  expect(onPolicyText(summary)).toBe(
    "The draft drew 8 % of what was learnt itself; in the last tenth of the steps α 0.400 on them, 0.650 on the data's.",
  )
  expect(onPolicySummary(history.slice(0, 3))).toBeUndefined()
})
