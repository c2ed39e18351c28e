import type { Gpu, KernelCost } from './gpu'

type Subgroups = Pick<Gpu, 'subgroupMinSize' | 'subgroupMaxSize'>

interface RowPasses {
  kernel: string
  rows: number
  columns: number
  /** How often the kernel goes through each row of an operand, of so many bytes an element. */
  reads: readonly { passes: number; bytes: number }[]
  /** Bytes an element that it writes. */
  written: number
  /** Of an element, by all passes. */
  operations: number
  /** Bytes beside rows: weights along the columns, read by every row. */
  shared?: number
  /** Whether it reads element by element, not in vectors of four. */
  scalar?: boolean
}

/** A kernel that gives a workgroup to a row, and goes through it a few times: again comes from a cache. */
function rowPasses(
  { kernel, rows, columns, reads, written, operations, shared = 0, scalar = false }: RowPasses,
  gpu: Subgroups,
): KernelCost {
  const size = rows * columns
  const vectors = columns / (columns % 4 === 0 && !scalar ? 4 : 1)
  // As `rowReductionFor` chooses.
  const oneSubgroup = gpu.subgroupMinSize === gpu.subgroupMaxSize && vectors <= 128 * gpu.subgroupMinSize
  const lanes = oneSubgroup ? gpu.subgroupMinSize : vectors <= 256 ? 64 : 256
  const once = reads.reduce((sum, { bytes }) => sum + bytes, 0)
  const all = reads.reduce((sum, { passes, bytes }) => sum + passes * bytes, 0)
  return {
    kernel,
    workgroups: rows,
    lanes,
    operations: operations * size,
    leastOperations: operations * size,
    bytes: (all + written) * size + shared * rows * columns,
    leastBytes: (once + written) * size + shared * columns,
    workgroupBytes: oneSubgroup ? 0 : 16 * lanes,
    registers: 32,
    onTheWay: Math.min(once, 8) * (columns / vectors),
  }
}

interface Rows {
  rows: number
  columns: number
}

/** x · scale · weight: squares, then the row again. */
export const normCost = ({ rows, columns }: Rows, gpu: Subgroups): KernelCost =>
  rowPasses(
    { kernel: 'rmsNorm', rows, columns, reads: [{ passes: 2, bytes: 4 }], written: 4, operations: 4, shared: 4 },
    gpu,
  )

/** The largest logit of a row. */
export const greedyCost = ({ rows, columns }: Rows, gpu: Subgroups): KernelCost =>
  rowPasses({ kernel: 'argmax', rows, columns, reads: [{ passes: 1, bytes: 4 }], written: 0, operations: 1 }, gpu)

/**
 * The distribution that tokens are drawn from: extremes, the mass, and the probabilities; with top-p the search of its threshold,
 * which cuts the interval in four each pass (about `cuts` of them), and the mass again.
 */
export const distributionCost = (
  { rows, columns, topP, cuts = 8 }: Rows & { topP: boolean; cuts?: number },
  gpu: Subgroups,
): KernelCost => {
  const passes = 3 + (topP ? cuts + 1 : 0)
  return rowPasses(
    {
      kernel: topP ? 'distribution, top-p' : 'distribution',
      rows,
      columns,
      reads: [{ passes, bytes: 4 }],
      written: 4,
      operations: 4 * passes,
      scalar: true,
    },
    gpu,
  )
}

/** A token of a distribution: the mass of each lane's run; the one that has the token goes through its own again. */
export const categoricalCost = ({ rows, columns }: Rows, gpu: Subgroups): KernelCost =>
  rowPasses(
    {
      kernel: 'categorical',
      rows,
      columns,
      reads: [{ passes: 1, bytes: 4 }],
      written: 0,
      operations: 1,
      scalar: true,
    },
    gpu,
  )

/** Cross-entropy on labels: the largest logit, then the sum of exponentials. */
export const crossEntropyCost = ({ rows, columns }: Rows, gpu: Subgroups): KernelCost =>
  rowPasses({ kernel: 'crossEntropy', rows, columns, reads: [{ passes: 2, bytes: 4 }], written: 0, operations: 4 }, gpu)

/** Its gradient: softmax less the label, once through. */
export const crossEntropyGradientCost = ({ rows, columns }: Rows, gpu: Subgroups): KernelCost =>
  rowPasses(
    { kernel: 'crossEntropyGradient', rows, columns, reads: [{ passes: 1, bytes: 4 }], written: 4, operations: 4 },
    gpu,
  )

/** The sums of a distillation loss over both vocabularies' rows: largest, normalisers, sums. */
export const lossSumsCost = ({ rows, columns, sums = 1 }: Rows & { sums?: number }, gpu: Subgroups): KernelCost =>
  rowPasses({ kernel: 'lossSums', rows, columns, reads: twice(3), written: 0, operations: 12 + 4 * sums }, gpu)

/** The gradient of such a loss in the draft's logits: the mass of the weights, then the row again. */
export const lossGradientCost = ({ rows, columns }: Rows, gpu: Subgroups): KernelCost =>
  rowPasses({ kernel: 'lossGradient', rows, columns, reads: twice(2), written: 4, operations: 16 }, gpu)

/** Of the draft's logits and of the target's. */
const twice = (passes: number) => [
  { passes, bytes: 4 },
  { passes, bytes: 4 },
]
