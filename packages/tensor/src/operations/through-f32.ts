import { withoutGradients } from '../autograd/tape'
import type { DType } from '../dtype'
import type { Tensor } from '../tensor'
import { cast } from './pointwise/cast'

/**
 * Runs what has kernels for f32 alone on tensors that may be f16: f16 inputs are widened for it, and freed after it. Of f32
 * inputs it is `compute` itself. The results are not differentiable by this; the caller says how.
 *
 * @returns what `compute` returns, each result rounded to the dtype given for it
 */
export function throughF32<const I extends readonly Tensor[], const D extends readonly DType[]>(
  inputs: I,
  dtypes: D,
  compute: (...inputs: TensorsLike<I>) => TensorsLike<D>,
): TensorsLike<D> {
  if (inputs.every(({ dtype }) => dtype === 'f32')) return compute(...(inputs as TensorsLike<I>))
  const { device } = inputs[0]!
  return withoutGradients(device, () =>
    device.scope(() => {
      const wide = inputs.map((input) => cast(input, 'f32')) as TensorsLike<I>
      const results: readonly Tensor[] = compute(...wide)
      return results.map((result, i) => cast(result, dtypes[i]!)) as TensorsLike<D>
    }),
  )
}

/** A tensor for each of a tuple's elements. */
type TensorsLike<T extends readonly unknown[]> = { [K in keyof T]: Tensor }
