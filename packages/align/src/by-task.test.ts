import type { EvaluationFigures } from '@outrider/evaluation'
import { expect, it } from 'vitest'
import { byTask, ofTasks } from './by-task'
import { measuredOf } from './measured.fixture'

it('figures by task are of the tasks with enough prompts, at each temperature, with γ auto', () => {
  const measured = measuredOf({ code: 3, maths: 4, chat: 2 }, [0, 0.7])
  const found = byTask(measured)
  expect(found.map(({ task, prompts, temperature }) => [task, prompts, temperature])).toEqual([
    ['code', 3, 0],
    ['maths', 4, 0],
    ['code', 3, 0.7],
    ['maths', 4, 0.7],
  ])
  const { blockEfficiency, speedUp } = measured.rows.find(
    (row) => row.task === 'maths' && row.draft === 'draft' && row.draftLength === 'auto' && row.temperature === 0.7,
  ) as EvaluationFigures
  expect(found[3]!.ways[1]).toEqual({ way: 'draft', blockEfficiency, speedUp })
  expect(new Set(ofTasks(measured).map(({ task }) => task))).toEqual(new Set(['all', 'code', 'maths']))
})

it('there are none where one task alone has enough', () => {
  for (const tasks of [{ chat: 12 }, { chat: 5, maths: 2 }, {}]) {
    expect(byTask(measuredOf(tasks))).toEqual([])
    expect(new Set(ofTasks(measuredOf(tasks)).map(({ task }) => task))).toEqual(new Set(['all']))
  }
})
