import { differentiable } from '../../autograd/tape'
import { ShapeError } from '../../errors'
import { stridesOf } from '../../shape'
import type { Tensor } from '../../tensor'
import { readStrided } from './strided'

/**
 * The axes in another order: y's axis i is x's axis `axes[i]`. Left out, the last two axes change places.
 *
 * @param x  f32, u32, i32 or, where the device has `shader-f16`, f16; up to four axes
 */
export function transpose(x: Tensor, axes: readonly number[] = swapLastTwo(x.shape.length)): Tensor {
  const rank = x.shape.length
  if (axes.length !== rank || new Set(axes).size !== rank || axes.some((axis) => !(axis >= 0 && axis < rank)))
    throw new ShapeError('transpose', [x.shape, axes], 'the axes must be a permutation')
  const strides = stridesOf(x.shape)
  const y = readStrided(
    'transpose',
    x,
    axes.map((axis) => x.shape[axis]!),
    axes.map((axis) => strides[axis]!),
  )
  const inverse = axes.map((_, axis) => axes.indexOf(axis))
  return differentiable(y, { name: 'transpose', inputs: [x], gradient: (dy) => [() => transpose(dy, inverse)] })
}

function swapLastTwo(rank: number): number[] {
  const axes = Array.from({ length: rank }, (_, axis) => axis)
  if (rank >= 2) [axes[rank - 2], axes[rank - 1]] = [rank - 1, rank - 2]
  return axes
}
