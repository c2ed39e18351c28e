import { divide, maximum, multiply, sum, type Tensor } from '@outrider/tensor'

/**
 * The mean of [rows] over the rows that count, a scalar; 0 where none does. Differentiable.
 *
 * @param mask  f32 [rows]: 1 where a row counts, 0 where not; left out: all count
 */
export function rowMean(x: Tensor, mask?: Tensor): Tensor {
  if (!mask) return multiply(sum(x), 1 / x.size)
  return divide(sum(multiply(x, mask)), maximum(sum(mask), 1))
}
