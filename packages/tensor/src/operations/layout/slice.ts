import { differentiable } from '../../autograd/tape'
import { bytesPerElement } from '../../dtype'
import { OutriderError, ShapeError } from '../../errors'
import { sameShape, sizeOf, stridesOf } from '../../shape'
import type { Tensor } from '../../tensor'
import { readStrided } from './strided'

/** Elements [start, start + count) of the first axis, copied. */
export function slice(x: Tensor, { start, count }: { start: number; count: number }): Tensor {
  const [length, ...rest] = x.shape
  if (length === undefined || !(start >= 0 && count > 0 && start + count <= length))
    throw new ShapeError('slice', [x.shape], `elements ${start} to ${start + count} of the first axis do not exist`)
  const stride = sizeOf(rest)
  assertWholeWords('slice', x, stride)
  const y = x.device.empty([count, ...rest], x.dtype)
  x.device.copy(x, start * stride, y, 0, count * stride)
  const gradient = (dy: Tensor) => {
    const dx = x.device.zeros(x.shape, x.dtype)
    x.device.copy(dy, 0, dx, start * stride, count * stride)
    return dx
  }
  return differentiable(y, { name: 'slice', inputs: [x], gradient: (dy) => [() => gradient(dy)] })
}

/** The first so many elements of the last axis, copied; f32, u32, i32 or f16, up to four axes. Without a gradient. */
export const firstColumns = (x: Tensor, count: number): Tensor =>
  readStrided('firstColumns', x, [...x.shape.slice(0, -1), count], stridesOf(x.shape))

/** Tensors one after another along the first axis; their other axes and dtypes must agree. */
export function concat(tensors: readonly Tensor[]): Tensor {
  const [first, ...others] = tensors
  if (!first) throw new OutriderError('INVALID_ARGUMENT', 'concat: there are no tensors.')
  for (const other of others)
    if (other.dtype !== first.dtype || !sameShape(other.shape.slice(1), first.shape.slice(1)))
      throw new ShapeError('concat', [first.shape, other.shape], 'only the first axis may differ')
  const stride = sizeOf(first.shape.slice(1))
  assertWholeWords('concat', first, stride)
  const counts = tensors.map(({ shape }) => shape[0] ?? 1)
  const y = first.device.empty([counts.reduce((a, b) => a + b, 0), ...first.shape.slice(1)], first.dtype)
  const starts = counts.map((_, i) => counts.slice(0, i).reduce((a, b) => a + b, 0))
  for (const [i, tensor] of tensors.entries()) first.device.copy(tensor, 0, y, starts[i]! * stride, tensor.size)
  return differentiable(y, {
    name: 'concat',
    inputs: tensors,
    gradient: (dy) => tensors.map((_, i) => () => slice(dy, { start: starts[i]!, count: counts[i]! })),
  })
}

/** Copies move 4 bytes at least. */
function assertWholeWords(operation: string, x: Tensor, stride: number): void {
  if ((stride * bytesPerElement(operation, x.dtype)) % 4 === 0) return
  throw new ShapeError(operation, [x.shape], `rows of a tensor of ${x.dtype} must have an even number of elements`)
}
