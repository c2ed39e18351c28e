import { differentiable } from '../../autograd/tape'
import type { Tensor } from '../../tensor'
import { broadcastTo } from '../layout/broadcast-to'
import { applyEqualMask } from './max-gradient'
import { type ReduceOptions, reduce, reduction } from './reduce'

/**
 * The largest of f32 x over an axis, or over all of it; NaN where an element is NaN, and so is the gradient of all that it was
 * chosen from. Else the gradient goes to every element that equals the largest.
 */
export function max(x: Tensor, options: ReduceOptions = {}): Tensor {
  const { outer, length, inner, shape } = reduction('max', x, options)
  const y = reduce('max', x, outer, length, inner, shape)
  const stretched = reduction('max', x, { ...options, keepDims: true }).shape
  return differentiable(y, {
    name: 'max',
    inputs: [x],
    gradient: (dy) => [
      () =>
        x.device.scope(() =>
          applyEqualMask(x, broadcastTo(y.reshape(stretched), x.shape), broadcastTo(dy.reshape(stretched), x.shape)),
        ),
    ],
  })
}
