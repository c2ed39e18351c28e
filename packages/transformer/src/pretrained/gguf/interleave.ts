/** Rows of the projections of queries or keys: how many, and how many make a head. */
export interface HeadRows {
  rows: number
  headDim: number
}

/**
 * Rows as llama.cpp has them where it turns neighbours (2i, 2i + 1) of a head instead of (i, i + headDim/2): the same
 * rotation, after the rows have changed places.
 */
export function interleavePairs(values: Float32Array, { rows, headDim }: HeadRows): Float32Array {
  return moveRows(values, rows, headDim, (d) => (d < headDim / 2 ? 2 * d : 2 * d - headDim + 1))
}

/** The rows back in their places. */
export function separatePairs(values: Float32Array, { rows, headDim }: HeadRows): Float32Array {
  return moveRows(values, rows, headDim, (d) => (d % 2 === 0 ? d / 2 : (d - 1 + headDim) / 2))
}

function moveRows(values: Float32Array, rows: number, headDim: number, place: (d: number) => number): Float32Array {
  const columns = values.length / rows
  const moved = new Float32Array(values.length)
  for (let row = 0; row < rows; row++) {
    const d = row % headDim
    moved.set(values.subarray(row * columns, (row + 1) * columns), (row - d + place(d)) * columns)
  }
  return moved
}
