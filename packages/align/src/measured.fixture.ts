import { allTasks, type EvaluationFigures } from '@outrider/evaluation'
import type { Measured } from './stages/evaluate'
import { ways } from './stages/ways'

/** Figures that were never measured, each of its own, for tasks with so many prompts. */
export function measuredOf(tasks: Readonly<Record<string, number>>, temperatures = [0]): Measured {
  const all = Object.values(tasks).reduce((sum, count) => sum + count, 0)
  let next = 1
  return {
    rows: temperatures.flatMap((temperature) =>
      Object.values(ways).flatMap((draft) =>
        ([5, 'auto'] as const).flatMap((draftLength) =>
          Object.entries({ ...tasks, [allTasks]: all }).map(([task, prompts]) => ({
            ...({} as EvaluationFigures),
            ...{ draft, task, prompts, draftLength, temperature },
            blockEfficiency: 1 + next / 100,
            speedUp: 1 + next++ / 1000,
          })),
        ),
      ),
    ),
  }
}
