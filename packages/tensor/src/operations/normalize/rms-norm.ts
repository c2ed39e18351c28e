import { differentiable } from '../../autograd/tape'
import { ShapeError } from '../../errors'
import { defineKernel, elements } from '../../kernel/index'
import type { Tensor } from '../../tensor'
import { reduce } from '../reduce/reduce'
import { rowReduction } from '../reduce/row-reduction'
import { rowVectors, runOverRowVectors } from '../rows/row-vectors'
import source from './rms-norm.wgsl'
import inputSource from './rms-norm-gradient-input.wgsl'
import weightSource from './rms-norm-gradient-weight.wgsl'

const kernel = defineKernel({
  name: 'rmsNorm',
  source,
  uses: [rowReduction, rowVectors, elements({ x: 'row', y: 'row' })],
})
const inputKernel = defineKernel({
  name: 'rmsNormGradientInput',
  source: inputSource,
  uses: [rowReduction, rowVectors, elements({ x: 'row', dy: 'row', dx: 'row' })],
})
const weightKernel = defineKernel({
  name: 'rmsNormGradientWeight',
  source: weightSource,
  uses: [elements({ x: 1, dy: 1 })],
  constants: ['CHUNK'],
})

/**
 * x / √(mean(x²) + ε) · weight along the last axis (Zhang & Sennrich 2019, arXiv 1910.07467).
 *
 * @param x       f32 or, where the device has `shader-f16`, f16 [..., columns]
 * @param weight  f32 [columns]
 * @returns of x's shape and dtype
 */
export function rmsNorm(x: Tensor, weight: Tensor, { epsilon = 1e-5 }: { epsilon?: number } = {}): Tensor {
  const columns = x.shape.at(-1) ?? 1
  if (weight.size !== columns)
    throw new ShapeError('rmsNorm', [x.shape, weight.shape], 'the weight must match the last axis')
  const { device } = x
  const y = device.empty(x.shape, x.dtype)
  const scale = device.empty([x.size / columns])
  const run = runOverRowVectors(x)
  device.run(kernel, { ...run, params: { ...run.params, epsilon }, bindings: { x, weight, y, scale } })
  const gradientInput = (dy: Tensor) => {
    const dx = device.empty(x.shape, x.dtype)
    device.run(inputKernel, { ...run, bindings: { x, weight, scale, dy, dx } })
    return dx
  }
  return differentiable(y, {
    name: 'rmsNorm',
    inputs: [x, weight],
    saved: [scale],
    gradient: (dy) => [() => gradientInput(dy), () => gradientWeight(x, weight, scale, dy)],
  })
}

const CHUNK = 64

function gradientWeight(x: Tensor, weight: Tensor, scale: Tensor, dy: Tensor): Tensor {
  const columns = weight.size
  const rows = x.size / columns
  const chunks = Math.ceil(rows / CHUNK)
  return x.device.scope(() => {
    const partials = x.device.empty([chunks, columns])
    x.device.run(weightKernel, {
      bindings: { x, scale, dy, partials },
      params: { rows, columns },
      constants: { CHUNK },
      workgroups: [Math.ceil(columns / 64), chunks],
    })
    return reduce('sum', partials, 1, chunks, columns, weight.shape)
  })
}
