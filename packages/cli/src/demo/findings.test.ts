import { describe, expect, test } from 'vitest'
import { allTasks, type EvaluationRow } from '../report/index'
import { findings } from './findings'

const row = (draft: string, blockEfficiency: number, speedUp: number, task: string = allTasks) =>
  ({ draft, task, draftLength: 3, temperature: 0, blockEfficiency, speedUp }) as EvaluationRow

const setting = {
  costs: {
    draftSeconds: 0.3,
    targetSeconds: [
      { rows: 1, seconds: 1 },
      { rows: 4, seconds: 1.2 },
    ],
  },
  parameterRatio: 0.1,
  adapter: 'a test',
}

describe('the findings of the demo', () => {
  const rows = [
    row('pretrained', 1.5, 0.8),
    row('kld', 2.5, 1.3),
    row('tvd', 2.4, 1.4),
    row('kld', 3.5, 1.9, 'open-ended'),
    row('tvd', 3.4, 1.8, 'open-ended'),
  ]

  test('name the loss with the highest block efficiency, and the fastest setting', () => {
    const { lead, notes } = findings(rows, setting)
    expect(lead).toMatch(/from 1.50 .* to 2.50 with the one aligned by kld/)
    expect(lead).toMatch(/1.40 times the plain rate: tvd, γ = 3, greedy/)
    expect(notes.join('\n')).toMatch(/kld 2.50, tvd 2.40/)
    expect(notes.join('\n')).toMatch(/open-ended 1.90×/)
  })

  test('say whether drafting pays here, and why a step costs more than its parameters', () => {
    const pays = (speedUp: number, parameterRatio: number) =>
      findings([row('pretrained', 1.5, 0.8), row('kld', 2.5, speedUp)], { ...setting, parameterRatio }).notes.at(-1)!
    expect(pays(1.3, 0.1)).toMatch(/costs 0.30 of a target step \(by parameters 0.10: small kernels.*With kld it does/)
    expect(pays(1.3, 0.28)).toMatch(/\(by parameters 0.28\)/)
    expect(pays(0.9, 0.1)).toMatch(/Here it does not: the best of kld is 0.90 times/)
  })
})
