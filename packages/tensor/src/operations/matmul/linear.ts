import { isTracked } from '../../autograd/tape'
import { fitsHalves, isFormat, isInSpans } from '../../dtype'
import { OutriderError, ShapeError } from '../../errors'
import { sameShape } from '../../shape'
import type { Tensor } from '../../tensor'
import type { RmsNorm } from '../normalize/rms-norm'
import { type GateActivation, gated } from '../pointwise/gated'
import { runLinear } from './linear-kernel'
import { isOfMany, type LinearKernelName, selectLinear } from './select'

export interface LinearOptions {
  /** RMS-normalise the rows of x first: x / √(mean(x²) + ε) · (offset + weight). */
  norm?: RmsNorm | undefined
  /** Added to every row of the result, f32 [n]. */
  bias?: Tensor | undefined
  /** Added to the result; of its shape. */
  residual?: Tensor
  /** A second weight, which the first gates: activation(x · weightᵀ) · (x · upᵀ). */
  up?: Tensor
  /** What gates: silu, as in `swiglu`, or gelu_tanh, as in `geglu`. Default silu. */
  activation?: GateActivation | undefined
  /**
   * The most rows of x that belong to one sequence of a batch: the kernel goes by it, so that a row's bits do not depend on how many
   * sequences are read together. Default all rows.
   */
  sequenceRows?: number | undefined
  /** Use this kernel, for comparison; by default k and the device decide. */
  kernel?: LinearKernelName | undefined
}

/**
 * A linear layer, x · weightᵀ + bias, with what surrounds it in a transformer, in one dispatch: for inference of a few rows, where
 * starting a kernel costs more than what it computes. It has no gradient; training composes `rmsNorm`, `matmul`, `swiglu` or
 * `geglu`, and `add`, with which it agrees within rounding. A row has the same bits whatever rows are beside it, among passes of up
 * to 16 rows of a sequence, and among those of more: on a GPU these are computed by another kernel (`selectLinear`).
 *
 * @param x       f32 [..., k]
 * @param weight  [n, k], f32; or a format of weights, and k a multiple of 8. Read once for up to 8 or 16 rows of x.
 * @returns f32 [..., n]
 * @throws ShapeError for shapes that do not fit; OutriderError UNSUPPORTED while gradients are recorded through it
 */
export function linear(
  x: Tensor,
  weight: Tensor,
  { norm, bias, residual, up, activation = 'silu', sequenceRows, kernel }: LinearOptions = {},
): Tensor {
  const k = x.shape.at(-1) ?? 1
  const n = weight.shape[0]!
  if (weight.shape.length !== 2 || weight.shape[1] !== k)
    throw new ShapeError('linear', [x.shape, weight.shape], 'x must be [..., k] and the weight [n, k]')
  if (up && !sameShape(up.shape, weight.shape))
    throw new ShapeError('linear', [weight.shape, up.shape], 'both weights must have one shape')
  if (norm && norm.weight.size !== k)
    throw new ShapeError('linear', [x.shape, norm.weight.shape], 'the weight of the norm must be [k]')
  if (bias && bias.size !== n) throw new ShapeError('linear', [weight.shape, bias.shape], 'the bias must be [n]')
  const shape = [...x.shape.slice(0, -1), n]
  if (residual && !sameShape(residual.shape, shape))
    throw new ShapeError('linear', [shape, residual.shape], 'the residual must have the shape of the result')
  if (up && (residual || bias))
    throw new OutriderError('INVALID_ARGUMENT', 'linear: with a gated weight it takes neither bias nor residual.')
  const operands = [x, weight, norm?.weight, bias, residual, up]
  if (isTracked(...operands.filter((tensor) => tensor !== undefined)))
    throw new OutriderError('UNSUPPORTED', 'linear: it has no gradient.', { remedy: 'Use matmul for training.' })

  const { device } = x
  const m = x.size / k
  const inSpans = isInSpans(weight.dtype) && (!up || isInSpans(up.dtype))
  const problem = { m, n, k, inSpans, packed: isFormat(weight.dtype), halves: fitsHalves(weight.dtype), sequenceRows }
  const tuned = isOfMany(problem) && !kernel ? device.kernels.linear({ n, k, dtype: weight.dtype }) : undefined
  const plan = selectLinear(problem, device.capabilities, kernel, tuned)
  // Tiles in workgroup memory are as large as its least size allows, of one weight.
  if (up && (plan.kernel === 'tiled' || plan.kernel === 'matrices' || !liesAs(weight, up)))
    return device.scope(() => {
      const [gate, value] = [weight, up].map((of) => linear(x, of, { norm, sequenceRows, kernel }))
      return gated(activation, gate!, value!)
    })
  // Two weights at once hold twice the sums a tile.
  const columns = up ? Math.ceil(plan.columns / 2) : plan.columns
  const c = device.empty(shape)
  runLinear({ ...plan, columns }, { a: x, b: weight, c, norm, bias, residual, up, activation })
  return c
}

/** Whether two weights can be read side by side: both f32 or both in formats, in slabs of the same rows. */
const liesAs = (a: Tensor, b: Tensor) =>
  isFormat(a.dtype) === isFormat(b.dtype) &&
  a.slabs.length === b.slabs.length &&
  a.slabs.every((slab, i) => slab.shape[0] === b.slabs[i]!.shape[0])
