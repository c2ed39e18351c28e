import type { EvaluationFigures } from '@outrider/evaluation'
import { expect, it } from 'vitest'
import { measuredOf } from './measured.fixture'
import type { Measured } from './stages/evaluate'
import { ways } from './stages/ways'
import { verdict } from './verdict'

const plan = { draftLength: 5, evaluate: { prompts: 12, maxTokens: 48, temperatures: [0] } }

/** [τ at γ 5, speed-up with auto] of lookup, draft, lookups with the table, and all together. */
const measured = (...figures: [number, number][]): Measured => ({
  rows: Object.values(ways).flatMap((draft, i) =>
    ([5, 'auto'] as const).map((draftLength) => ({
      ...({} as EvaluationFigures),
      draft,
      task: 'all',
      draftLength,
      temperature: 0,
      blockEfficiency: draftLength === 5 ? figures[i]![0] : 1,
      speedUp: draftLength === 5 ? 9 : figures[i]![1],
    })),
  ),
})

it('says what is fastest and what the draft adds', () => {
  expect(verdict(plan, measured([1.5, 1.3], [1.3, 1.1], [1.75, 1.5], [1.93, 1.62]))).toBe(
    'Answers come 1.62 times as fast as plainly with lookup+table+draft (γ auto, greedy, 12 held-out prompts); the draft adds 10 % to what lookups and the table alone have a pass (τ at γ 5 1.93 instead of 1.75).',
  )
})

it('says so where the draft adds little', () => {
  expect(verdict(plan, measured([1.5, 1.3], [1.1, 0.9], [1.75, 1.5], [1.77, 1.45]))).toMatch(
    /with lookup\+table .*; the draft adds little to lookups and the table alone, which need no model \(τ at γ 5 1.77 and 1.75\)/,
  )
})

it('says so where nothing is faster than plain decoding', () => {
  expect(verdict(plan, measured([1.1, 0.8], [1.1, 0.7], [1.2, 0.9], [1.3, 0.85]))).toMatch(
    /^No way of drafting is faster here than plain decoding: the best, lookup\+table, has 0.90 times its rate/,
  )
})

it('says on which task least is gained and on which most, where tasks can be told apart', () => {
  const of = (speedUps: Record<string, number>, prompts = 4) => {
    const { rows } = measuredOf(Object.fromEntries(Object.keys(speedUps).map((task) => [task, prompts])))
    return verdict(plan, {
      rows: rows.map((row) => ({ ...row, speedUp: (speedUps[row.task] ?? 1.2) - (row.draft === ways.all ? 0 : 0.1) })),
    })
  }
  expect(of({ code: 1.1, summarising: 1.5, maths: 0.95 })).toMatch(
    /with lookup\+table\+draft \(γ auto, greedy, 12 held-out prompts, from 0.95 on maths to 1.50 on summarising\); the draft adds/,
  )
  expect(of({ code: 1.1, summarising: 1.5 }, 2)).not.toContain('summarising')
})
