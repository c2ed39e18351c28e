import { OutriderError } from '../../errors'
import { defineKernel, elements, linearWorkgroups } from '../../kernel/index'
import { normalizeAxis, sizeOf } from '../../shape'
import type { Tensor } from '../../tensor'
import { noLogit } from './no-logit'
import columnsSource from './reduce-columns.wgsl'
import rowsSource from './reduce-rows.wgsl'
import { rowReduction, rowReductionFor } from './row-reduction'

const x = elements({ x: 1 })
const rowsKernel = defineKernel({
  name: 'reduceRows',
  source: rowsSource,
  uses: [rowReduction, noLogit, x],
  constants: ['MAX'],
})
const columnsKernel = defineKernel({
  name: 'reduceColumns',
  source: columnsSource,
  uses: [noLogit, x],
  constants: ['MAX'],
})

export interface ReduceOptions {
  /** The axis to reduce; negative counts from the back. Left out: all of them, to a scalar of shape []. */
  axis?: number | undefined
  /** Keep the reduced axis with size 1. */
  keepDims?: boolean | undefined
}

export type Reduction = 'sum' | 'max'

/** What a reduction works on: the tensor as [outer, length, inner], and the shape of the result. */
export function reduction(operation: string, x: Tensor, { axis, keepDims = false }: ReduceOptions) {
  if (x.dtype !== 'f32')
    throw new OutriderError('DTYPE_MISMATCH', `${operation}: the tensor is ${x.dtype}.`, {
      remedy: "cast(x, 'f32') first.",
    })
  if (axis === undefined) return { outer: 1, length: x.size, inner: 1, shape: keepDims ? x.shape.map(() => 1) : [] }
  const at = normalizeAxis(operation, axis, x.shape)
  return {
    outer: sizeOf(x.shape.slice(0, at)),
    length: x.shape[at]!,
    inner: sizeOf(x.shape.slice(at + 1)),
    shape: keepDims ? x.shape.map((d, i) => (i === at ? 1 : d)) : x.shape.filter((_, i) => i !== at),
  }
}

/** Elements that one workgroup adds up when a whole tensor is reduced. */
const chunk = 4096

/**
 * Reduces f32 or f16 x, seen as [outer, length, inner], along its length, to f32. The order of the sum is fixed by the sizes.
 * Not differentiable.
 */
export function reduce(
  kind: Reduction,
  x: Tensor,
  outer: number,
  length: number,
  inner: number,
  shape: readonly number[],
): Tensor {
  if (inner > 1) {
    const y = x.device.empty(shape)
    reduceColumns(kind, x, y, { length, inner })
    return y
  }
  // One long row would be one workgroup's work: it is reduced in pieces first.
  if (outer === 1 && length > 2 * chunk)
    return x.device.scope(() => {
      const pieces = Math.ceil(length / chunk)
      return reduce(kind, reduceRows(kind, x, pieces, chunk, [pieces]), 1, pieces, 1, shape)
    })
  return reduceRows(kind, x, outer, length, shape)
}

/** c = Σ splits, in their order: splits f32 [splits, ...] with the elements of c, f32. */
export const addSplits = (splits: Tensor, c: Tensor): void =>
  reduceColumns('sum', splits, c, { length: splits.shape[0]!, inner: c.size })

function reduceColumns(kind: Reduction, x: Tensor, y: Tensor, sizes: { length: number; inner: number }): void {
  x.device.run(columnsKernel, {
    bindings: { x, y },
    params: { count: y.size, ...sizes },
    constants: { MAX: kind === 'max' },
    workgroups: linearWorkgroups(Math.ceil(y.size / 64)),
  })
}

function reduceRows(kind: Reduction, x: Tensor, rows: number, columns: number, shape: readonly number[]): Tensor {
  const y = x.device.empty(shape)
  x.device.run(rowsKernel, {
    bindings: { x, y },
    params: { rows, columns, size: x.size },
    forms: [rowReductionFor(columns, x.device.capabilities)],
    constants: { MAX: kind === 'max' },
    workgroups: linearWorkgroups(rows),
  })
  return y
}
