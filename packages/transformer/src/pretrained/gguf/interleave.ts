/** Rows of the projections of queries or keys, whole heads of them, as numbers or as stored bytes. */
export interface HeadRows {
  rows: number
  headDim: number
}

/**
 * Rows as llama.cpp has them where it turns neighbours (2i, 2i + 1) of a head instead of (i, i + headDim/2): the same
 * rotation, after the rows have changed places.
 */
export function interleavePairs<A extends Float32Array | Uint8Array>(values: A, { rows, headDim }: HeadRows): A {
  return moveRows(values, rows, headDim, (d) => (d < headDim / 2 ? 2 * d : 2 * d - headDim + 1))
}

/** The rows back in their places. */
export function separatePairs<A extends Float32Array | Uint8Array>(values: A, { rows, headDim }: HeadRows): A {
  return moveRows(values, rows, headDim, (d) => (d % 2 === 0 ? d / 2 : (d - 1 + headDim) / 2))
}

function moveRows<A extends Float32Array | Uint8Array>(
  values: A,
  rows: number,
  headDim: number,
  place: (d: number) => number,
): A {
  const columns = values.length / rows
  const moved = values.slice() as A
  for (let row = 0; row < rows; row++) {
    const d = row % headDim
    moved.set(values.subarray(row * columns, (row + 1) * columns), (row - d + place(d)) * columns)
  }
  return moved
}
