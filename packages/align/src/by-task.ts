import { allTasks, type EvaluationFigures, type EvaluationRow } from '@outrider/evaluation'
import type { Measured } from './stages/evaluate'
import type { Way } from './stages/ways'

/** What the ways of drafting came to on the prompts of one task, each as it is used: with γ 'auto'. */
export interface TaskFigures {
  /** What the seeds call it: their `category` or `task`. */
  task: string
  prompts: number
  temperature: number
  ways: readonly (Pick<EvaluationFigures, 'blockEfficiency' | 'speedUp'> & { way: Way })[]
}

/**
 * The figures by task, task after task at each temperature: of the tasks that enough prompts were measured of. None where these are
 * fewer than two: then those over all tasks say as much.
 */
export function byTask(measured: Measured): TaskFigures[] {
  const rows = ofTasks(measured).filter(({ task, draftLength }) => task !== allTasks && draftLength === 'auto')
  const found = new Map<string, Row[]>()
  for (const row of rows) {
    const key = JSON.stringify([row.temperature, row.task])
    found.set(key, [...(found.get(key) ?? []), row])
  }
  return [...found.values()].map((ways) => {
    const { task, prompts, temperature } = ways[0]!
    return {
      task,
      prompts,
      temperature,
      ways: ways.map(({ draft: way, blockEfficiency, speedUp }) => ({ way, blockEfficiency, speedUp })),
    }
  })
}

/** The rows over all tasks, and those of the tasks that can be told apart. */
export function ofTasks({ rows }: Measured): Row[] {
  const enough = new Set(
    rows.flatMap(({ task, prompts }) => (task !== allTasks && prompts >= leastPrompts ? [task] : [])),
  )
  return rows.filter(({ task }) => task === allTasks || (enough.size > 1 && enough.has(task)))
}

type Row = EvaluationRow & { draft: Way }

/** Of a task with fewer prompts the figures are chance. */
const leastPrompts = 3
