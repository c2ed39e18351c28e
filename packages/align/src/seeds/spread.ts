/**
 * So many of a list, in its order: of each task as large a share as it has of the list, and these spread evenly over the task's.
 */
export function spreadOverTasks<Item>(
  list: readonly Item[],
  count: number,
  taskOf: (item: Item) => string | undefined,
): Item[] {
  if (count >= list.length) return [...list]
  const tasks = new Map<string | undefined, Item[]>()
  for (const item of list) {
    const task = taskOf(item)
    const items = tasks.get(task)
    if (items) items.push(item)
    else tasks.set(task, [item])
  }
  // Task after task: at even places of a list that goes through its tasks in turn there may be one task alone.
  const sorted = [...tasks.values()].flat()
  const taken = new Set<Item>(
    Array.from({ length: count }, (_, i) => sorted[Math.floor(((i + 0.5) * sorted.length) / count)]!),
  )
  return list.filter((item) => taken.has(item))
}
