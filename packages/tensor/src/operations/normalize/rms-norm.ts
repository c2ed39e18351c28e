import { differentiable } from '../../autograd/tape'
import { ShapeError } from '../../errors'
import { defineKernel, elements, formOf, type KernelPart } from '../../kernel/index'
import type { Tensor } from '../../tensor'
import { reduce } from '../reduce/reduce'
import { rowReduction } from '../reduce/row-reduction'
import { rowVectors, runOverRowVectors } from '../rows/row-vectors'
import source from './rms-norm.wgsl'
import inputSource from './rms-norm-gradient-input.wgsl'
import weightSource from './rms-norm-gradient-weight.wgsl'

/** `gainOf(weight: V) -> V`, what normalised elements are multiplied by: a form for every offset. */
const gain: KernelPart = { name: 'gain', provides: ['gainOf'] }

const kernel = defineKernel({
  name: 'rmsNorm',
  source,
  uses: [rowReduction, rowVectors, gain, elements({ x: 'row', y: 'row' })],
})
const inputKernel = defineKernel({
  name: 'rmsNormGradientInput',
  source: inputSource,
  uses: [rowReduction, rowVectors, gain, elements({ x: 'row', dy: 'row', dx: 'row' })],
})
const weightKernel = defineKernel({
  name: 'rmsNormGradientWeight',
  source: weightSource,
  uses: [elements({ x: 1, dy: 1 })],
  constants: ['CHUNK'],
})

export interface RmsNormOptions {
  /** ε, which keeps rows of zeros finite. Default 1e-5. */
  epsilon?: number | undefined
  /** What the weight is stored as a distance from: 1 in Gemma. Default 0. */
  offset?: number | undefined
}

/** A norm that is computed on the way to something else. */
export interface RmsNorm extends RmsNormOptions {
  /** [columns] */
  weight: Tensor
}

/**
 * x / √(mean(x²) + ε) · (offset + weight) along the last axis (Zhang & Sennrich 2019, arXiv 1910.07467).
 *
 * @param x       f32 or, where the device has `shader-f16`, f16 [..., columns]
 * @param weight  f32 [columns]
 * @returns of x's shape and dtype
 */
export function rmsNorm(
  x: Tensor,
  weight: Tensor,
  { epsilon = defaultEpsilon, offset = 0 }: RmsNormOptions = {},
): Tensor {
  const columns = x.shape.at(-1) ?? 1
  if (weight.size !== columns)
    throw new ShapeError('rmsNorm', [x.shape, weight.shape], 'the weight must match the last axis')
  const { device } = x
  const y = device.empty(x.shape, x.dtype)
  const scale = device.empty([x.size / columns])
  const overRows = runOverRowVectors(x)
  const run = { ...overRows, forms: [...overRows.forms, gainFrom(offset)] }
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

/** ε where none is said. */
export const defaultEpsilon = 1e-5

// As text, so that an offset of 0 is no addition. Models have one or two of them.
const gainFrom = (offset: number) =>
  formOf(gain, `fn gainOf(weight: V) -> V { return ${offset === 0 ? 'weight' : `f32(${offset}) + weight`}; }`)

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
