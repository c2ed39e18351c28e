import { differentiable } from '../../autograd/tape'
import type { Tensor } from '../../tensor'
import { broadcastTo } from '../layout/broadcast-to'
import { multiply } from '../pointwise/binary'
import { type ReduceOptions, reduce, reduction } from './reduce'

/** Σ x over an axis or over all of f32 x. The order of the sum is fixed, so equal inputs give equal bits. */
export function sum(x: Tensor, options: ReduceOptions = {}): Tensor {
  const { outer, length, inner, shape } = reduction('sum', x, options)
  const y = reduce('sum', x, outer, length, inner, shape)
  const stretched = reduction('sum', x, { ...options, keepDims: true }).shape
  return differentiable(y, {
    name: 'sum',
    inputs: [x],
    gradient: (dy) => [() => broadcastTo(dy.reshape(stretched), x.shape)],
  })
}

/** The mean of f32 x over an axis, or over all of it. */
export function mean(x: Tensor, options: ReduceOptions = {}): Tensor {
  return multiply(sum(x, options), 1 / reduction('mean', x, options).length)
}
