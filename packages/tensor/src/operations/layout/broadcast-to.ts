import { differentiable } from '../../autograd/tape'
import { ShapeError } from '../../errors'
import { broadcastShapes, type Shape, sameShape } from '../../shape'
import type { Tensor } from '../../tensor'
import { sumTo } from '../reduce/sum-to'
import { broadcastStrides, readStrided } from './strided'

/** x repeated along axes of size 1, and along new leading axes, to a shape. f32, u32, i32 or, where the device has `shader-f16`, f16; up to four axes. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  if (!sameShape(broadcastShapes('broadcastTo', x.shape, shape), shape))
    throw new ShapeError('broadcastTo', [x.shape, shape], 'the first does not broadcast to the second')
  const y = readStrided('broadcastTo', x, shape, broadcastStrides(x.shape, shape))
  return differentiable(y, { name: 'broadcastTo', inputs: [x], gradient: (dy) => [() => sumTo(dy, x.shape)] })
}
