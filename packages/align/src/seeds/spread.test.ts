import { describe, expect, it } from 'vitest'
import { ownOpenings } from './openings'
import { spreadOverTasks } from './spread'

const item = (task: string, i: number) => ({ task, i })
const inTurns = (tasks: readonly string[], rounds: number) =>
  Array.from({ length: rounds }, (_, i) => tasks.map((task) => item(task, i))).flat()
const counts = (items: readonly { task: string }[]) => {
  const found: Record<string, number> = {}
  for (const { task } of items) found[task] = (found[task] ?? 0) + 1
  return found
}

describe('some of a list', () => {
  it('are of every task, also of one that goes through the tasks in turn', () => {
    // Every third place of it is of one task.
    expect(counts(spreadOverTasks(inTurns(['a', 'b', 'c'], 8), 8, ({ task }) => task))).toEqual({ a: 3, b: 2, c: 3 })
    const openings = spreadOverTasks(ownOpenings(108, 'chat'), 18, ({ category }) => category)
    const tasks = openings.map(({ category }) => ({ task: category! }))
    expect(Object.values(counts(tasks))).toEqual([3, 3, 3, 3, 3, 3])
  })

  it('are of each as large a share as of the list, in its order and spread over it', () => {
    const list = [...inTurns(['a'], 60), ...inTurns(['b'], 20)]
    const some = spreadOverTasks(list, 8, ({ task }) => task)
    expect(some).toEqual([5, 15, 25, 35, 45, 55].map((i) => item('a', i)).concat([5, 15].map((i) => item('b', i))))
  })

  it('are all where there are no more', () => {
    const list = inTurns(['a', 'b'], 2)
    expect(spreadOverTasks(list, 9, ({ task }) => task)).toEqual(list)
    expect(spreadOverTasks(list, 0, ({ task }) => task)).toEqual([])
  })
})
