import type { KernelCost } from './gpu'

/** A kernel that gives an invocation to an element, a vector or a pair, in workgroups of 64: everything is read and written once. */
function elementwise({
  kernel,
  invocations,
  operations,
  bytes,
  onTheWay,
}: {
  kernel: string
  invocations: number
  operations: number
  bytes: number
  onTheWay: number
}): KernelCost {
  return {
    kernel,
    workgroups: Math.ceil(invocations / 64),
    lanes: 64,
    operations,
    leastOperations: operations,
    bytes,
    leastBytes: bytes,
    workgroupBytes: 0,
    registers: 24,
    onTheWay,
  }
}

/** A function of so many tensors of `size`, in vectors of four. */
export const pointwiseCost = (
  kernel: string,
  { size, inputs, operations }: { size: number; inputs: number; operations: number },
): KernelCost =>
  elementwise({
    kernel,
    invocations: size / 4,
    operations: operations * size,
    bytes: 4 * (inputs + 1) * size,
    onTheWay: 16 * inputs,
  })

/** Queries and keys turned, keys and values written to their places: an invocation a pair. */
export function ropeCost({
  rows,
  heads,
  kvHeads,
  headDim,
  cacheBytes,
}: {
  rows: number
  heads: number
  kvHeads: number
  headDim: number
  cacheBytes: number
}): KernelCost {
  const [queries, keys] = [rows * heads * headDim, rows * kvHeads * headDim]
  const pairs = (queries + keys) / 2
  return elementwise({
    kernel: 'ropeIntoCache',
    invocations: pairs,
    // Four products and two sums a pair; its sine and cosine as four each.
    operations: 14 * pairs,
    bytes: 4 * (queries + 2 * keys) + 4 * queries + 2 * cacheBytes * keys,
    onTheWay: 8,
  })
}

/** Rows of a table of weights, unpacked. */
export const embeddingCost = ({
  rows,
  columns,
  weightBytes,
}: {
  rows: number
  columns: number
  weightBytes: number
}): KernelCost => {
  const at = weightBytes === 4 ? 1 : 8
  return elementwise({
    kernel: 'embedding',
    invocations: (rows * columns) / at,
    operations: 0,
    bytes: rows * (columns * (weightBytes + 4) + 4),
    onTheWay: at * weightBytes,
  })
}

/** The gradients of rows, added to the rows of the table's gradient, which is all written. */
export const embeddingGradientCost = ({
  rows,
  columns,
  vocabulary,
}: {
  rows: number
  columns: number
  vocabulary: number
}): KernelCost =>
  elementwise({
    kernel: 'embeddingGradient',
    invocations: rows * columns,
    operations: rows * columns,
    bytes: 4 * columns * (rows + vocabulary),
    onTheWay: 4,
  })

/** A step of AdamW: gradient, weight and both means in, all but the gradient out; a vector an invocation. */
export const adamwCost = ({ parameters }: { parameters: number }): KernelCost =>
  elementwise({
    kernel: 'adamw',
    invocations: parameters / 4,
    operations: 16 * parameters,
    bytes: 28 * parameters,
    onTheWay: 64,
  })

/** The squares of all gradients, added up. */
export const squaredNormCost = ({ parameters }: { parameters: number }): KernelCost =>
  elementwise({
    kernel: 'squaredNorm',
    invocations: parameters / 4,
    operations: 2 * parameters,
    bytes: 4 * parameters,
    onTheWay: 16,
  })
