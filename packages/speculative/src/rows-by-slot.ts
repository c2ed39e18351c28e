/** Where the rows of a pass lie that is over so many tokens of each slot of a cache. */
export interface RowsBySlot {
  /** The first row of every slot. */
  starts: number[]
  rows: number
  /** Of the tokens. */
  shape: [batch: number, rows: number]
}

/**
 * One slot's rows behind the other's, or padded to the most.
 *
 * @param packed  of a model that `packs`
 */
export function rowsBySlot(counts: readonly number[], packed: boolean): RowsBySlot {
  const most = Math.max(...counts)
  const starts: number[] = []
  let rows = 0
  for (const count of counts) {
    starts.push(rows)
    rows += packed ? count : most
  }
  return { starts, rows, shape: packed ? [1, rows] : [counts.length, most] }
}
