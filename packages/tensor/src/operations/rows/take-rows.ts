import { differentiable } from '../../autograd/tape'
import { bytesPerElement } from '../../dtype'
import { OutriderError, ShapeError } from '../../errors'
import { defineKernel, linearWorkgroups } from '../../kernel/index'
import { type Shape, sizeOf } from '../../shape'
import type { Tensor } from '../../tensor'
import source from './take-rows.wgsl'

const kernel = defineKernel({ name: 'takeRows', source, constants: ['SCATTER'] })

/**
 * Some rows, by their numbers: y[i] = x[rows[i]]. Differentiable; bits are copied, whatever they are.
 *
 * @param x     [all, ...], f32, f16, u32 or i32; a row of f16 of an even number of elements
 * @param rows  u32 [n], each number below `all`, and once where a gradient is wanted
 * @returns [n, ...], of x's dtype
 * @throws ShapeError; OutriderError DTYPE_MISMATCH for row numbers that are not u32
 */
export function takeRows(x: Tensor, rows: Tensor): Tensor {
  const [all, ...rest] = x.shape
  const words = wordsOf('takeRows', x, rows)
  const y = x.device.empty([rows.size, ...rest], x.dtype)
  move(x, rows, y, { words, all: all!, back: false })
  const gradient = (dy: Tensor) => putRows(dy, rows, all!)
  return differentiable(y, { name: 'takeRows', inputs: [x, rows], gradient: (dy) => [() => gradient(dy), null] })
}

/**
 * Rows put where their numbers say, over zeros: y[rows[i]] = x[i]. Differentiable; the opposite of `takeRows`.
 *
 * @param x     [n, ...], f32, f16, u32 or i32; a row of f16 of an even number of elements
 * @param rows  u32 [n], each number once and below `all`
 * @param all   rows of the result
 * @returns [all, ...], of x's dtype
 * @throws ShapeError; OutriderError DTYPE_MISMATCH for row numbers that are not u32
 */
export function putRows(x: Tensor, rows: Tensor, all: number): Tensor {
  const [count, ...rest] = x.shape
  const words = wordsOf('putRows', x, rows)
  if (rows.size !== count) throw new ShapeError('putRows', [x.shape, rows.shape], 'one number a row is needed')
  const y = x.device.zeros([all, ...rest], x.dtype)
  move(x, rows, y, { words, all, back: true })
  const gradient = (dy: Tensor) => takeRows(dy, rows)
  return differentiable(y, { name: 'putRows', inputs: [x, rows], gradient: (dy) => [() => gradient(dy), null] })
}

function move(
  x: Tensor,
  rows: Tensor,
  y: Tensor,
  { words, all, back }: { words: number; all: number; back: boolean },
): void {
  const count = rows.size * words
  x.device.run(kernel, {
    bindings: { rows, source: x, result: y },
    params: { count, words, all },
    constants: { SCATTER: back },
    workgroups: linearWorkgroups(Math.ceil(count / 64)),
  })
}

/** Words of 32 bits a row. */
function wordsOf(operation: string, x: Tensor, rows: Tensor): number {
  const [all, ...rest] = x.shape
  if (all === undefined || rows.shape.length !== 1)
    throw new ShapeError(operation, [x.shape, rows.shape], 'x must have rows, and their numbers be [n]')
  if (rows.dtype !== 'u32')
    throw new OutriderError('DTYPE_MISMATCH', `${operation}: the numbers of rows are ${rows.dtype}; u32 is needed.`)
  const bytes = sizeOf(rest as Shape) * bytesPerElement(operation, x.dtype)
  if (bytes % 4 === 0) return bytes / 4
  throw new ShapeError(operation, [x.shape], `rows of a tensor of ${x.dtype} must have an even number of elements`)
}
