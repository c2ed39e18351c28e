import { allTasks, type EvaluationRow } from '@outrider/evaluation'
import type { StepCosts } from '@outrider/speculative'
import { describe, expect, test } from 'vitest'
import { findings } from './findings'

const row = (draft: string, blockEfficiency: number, speedUp: number, task: string = allTasks) =>
  ({
    draft,
    task,
    draftLength: 3,
    temperature: 0,
    blockEfficiency,
    speedUp,
    meanAcceptanceLength: blockEfficiency,
    neededAcceptanceLength: 2.1,
    pays: blockEfficiency > 2.1,
    speedUpShare: 0.8,
  }) as EvaluationRow

const steps = {
  draftSeconds: 0.3,
  targetSeconds: [
    { rows: 1, seconds: 1 },
    { rows: 4, seconds: 1.2 },
  ],
}
const setting = {
  costs: new Map<string, StepCosts>([
    ...['pretrained', 'kld', 'tvd'].map((draft) => [draft, steps] as const),
    ['parallel', { ...steps, draftPasses: [{ rows: 3, seconds: 0.4 }] }] as const,
  ]),
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
    const pays = (tau: number, parameterRatio: number) =>
      findings([row('pretrained', 1.5, 0.8), row('kld', tau, 1.3)], { ...setting, parameterRatio }).notes.at(-1)!
    expect(pays(2.5, 0.1)).toMatch(/costs 0.30 of a target step \(by parameters 0.10: small kernels/)
    expect(pays(2.5, 0.1)).toMatch(/kld, γ = 3, greedy: 2.50 tokens a block, 2.10 needed: it pays. .* 0.80 of τ/)
    expect(pays(2.5, 0.28)).toMatch(/\(by parameters 0.28\)/)
    // By the tokens of a block, though it happened to be faster.
    expect(pays(2, 0.1)).toMatch(/2.00 tokens a block, 2.10 needed: it does not pay here. .* MBSU is/)
  })

  test('set a draft that proposes a block in one pass beside the fastest of the others, each with what drafting costs', () => {
    const { lead, notes } = findings([...rows, row('parallel', 2.2, 1.6)], setting)
    expect(lead).toMatch(/to 2.50 with the one aligned by kld.*1.60 times the plain rate: parallel, γ = 3, greedy/)
    expect(notes[0]).not.toContain('parallel')
    expect(notes.at(-1)).toMatch(
      /at its fastest: 1.60× \(parallel, γ = 3, greedy\), and drafting costs 0.40 .*: 1.40× \(tvd, γ = 3, greedy\), for 0.90/,
    )
  })
})
