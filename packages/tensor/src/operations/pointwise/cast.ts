import { differentiable } from '../../autograd/tape'
import { type DType, isFormat } from '../../dtype'
import type { Tensor } from '../../tensor'
import { embedding } from '../embedding/embedding'
import { applyUnary } from './unary'

/**
 * The same values in another dtype. f32 → f16 rounds to nearest, and past ±65504 to that; to integers, towards zero. Integers
 * pass through f32: exact below 2²⁴. Differentiable between f32 and f16. Matrices in the other formats of weights become f32.
 */
export function cast(x: Tensor, dtype: DType): Tensor {
  if (dtype === x.dtype) return x.reshape(x.shape)
  if (isFormat(x.dtype) && x.dtype !== 'f16' && x.shape.length === 2 && dtype === 'f32') return allRows(x)
  const y = applyUnary(x, dtype, 'x')
  return differentiable(y, { name: 'cast', inputs: [x], gradient: (dy) => [() => cast(dy, x.dtype)] })
}

function allRows(x: Tensor): Tensor {
  using ids = x.device.tensor(Uint32Array.from({ length: x.shape[0]! }, (_, row) => row))
  return embedding(x, ids)
}
