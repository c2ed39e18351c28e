import { expect, test } from 'vitest'
import { assertSameRun, type RunIdentity } from './run-identity'

const model = { config: { layers: 2, ropeTheta: 10_000 }, dtype: 'f16, f32', weights: 'a1' }
const run: RunIdentity = {
  draft: { ...model, weights: 'd0' },
  target: model,
  data: [{ name: 'answers.jsonl', share: 1, examples: 6, rows: 'b2' }],
  adapter: 'A GPU',
}
const resumed = (now: Partial<RunIdentity>, weights?: string) =>
  assertSameRun('run/checkpoint-3', run, { ...run, ...now }, { weights: [undefined, weights] })

test('a run is known again, wherever its rows lie now', () => {
  expect(resumed({})).toEqual([])
  expect(resumed({ data: [{ ...run.data![0]!, name: 'moved/answers.jsonl' }] })).toEqual([])
  expect(resumed({ draft: { ...run.draft, weights: 'd3' } }, 'd3')).toEqual([])
})

test('a held-out target that is another is told of, as it decides figures and no bits', () => {
  const measured = (heldOutTarget?: RunIdentity['heldOutTarget']) => ({ ...run, target: undefined, heldOutTarget })
  const remarks = (before: RunIdentity, now: RunIdentity) => assertSameRun('run/checkpoint-3', before, now)
  expect(remarks(measured(model), measured({ ...model, weights: 'a2' }))).toEqual([
    'run/checkpoint-3 was measured against another target (its weights are not the same): α and acceptance lengths before and after it cannot be compared.',
  ])
  expect(remarks(measured(model), measured({ ...model, dtype: 'q4_0' }))).toEqual([
    expect.stringContaining('its dtype was "f16, f32", and is "q4_0"'),
  ])
  for (const now of [measured(model), measured()]) expect(remarks(measured(model), now)).toEqual([])
})

test('held-out rows and their target that are others are refused where they decide which checkpoint is the best', () => {
  const before = { ...run, target: undefined, validation: 'e1', heldOutTarget: model }
  const resumed = (now: Partial<RunIdentity>) =>
    assertSameRun('run/checkpoint-3', before, { ...before, ...now }, { choosesByValidation: true })
  expect(resumed({})).toEqual([])
  expect(() => resumed({ validation: 'e2' })).toThrow('made with other held-out rows, by which its best checkpoint')
  expect(() => resumed({ heldOutTarget: { ...model, weights: 'a2' } })).toThrow('made with another target for held-out')
  expect(assertSameRun('run/checkpoint-3', before, { ...before, validation: 'e2' })).toHaveLength(1)
})

test('whatever decides its bits and is another is named', () => {
  for (const [now, what] of [
    [{ target: { ...model, dtype: 'f32' } }, 'another target: its dtype was "f16, f32", and is "f32"'],
    [{ target: { ...model, cache: 'f16' } }, 'another target: its cache was "f32", and is "f16"'],
    [
      { target: { ...model, config: { layers: 2, ropeTheta: 5e5 } } },
      'another target: ropeTheta was 10000, and is 500000',
    ],
    [{ target: { ...model, weights: 'a2' } }, 'another target: its weights are not the same'],
    [{ target: undefined }, 'a target, and this run has none'],
    [{ draft: { ...run.draft, weights: 'd3' } }, 'another draft: its weights are not the same'],
    [{ data: undefined }, 'batches that were made in another way'],
    [
      { data: [{ ...run.data![0]!, examples: 7, rows: 'b3' }] },
      'other rows in answers.jsonl (6 examples; this run has 7)',
    ],
    [{ data: [{ ...run.data![0]!, name: 'b.jsonl', rows: 'b3' }] }, 'other rows: answers.jsonl, not b.jsonl'],
    [{ objective: [{ weight: 2 }] }, 'another loss of the same name'],
  ] as const)
    expect(() => resumed(now as Partial<RunIdentity>), what).toThrow(`run/checkpoint-3 was made with ${what}.`)
})
