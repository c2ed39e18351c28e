import { differentiable } from '../../autograd/tape'
import { defineKernel } from '../../kernel/index'
import type { Tensor } from '../../tensor'
import { rowReduction } from '../reduce/row-reduction'
import { rowVectors, runOverRowVectors } from './row-vectors'
import source from './softmax.wgsl'
import gradientSource from './softmax-gradient.wgsl'

const uses = [rowReduction, rowVectors]
const constants = ['LOG']
const kernel = defineKernel({ name: 'softmax', source, uses, constants })
const gradientKernel = defineKernel({ name: 'softmaxGradient', source: gradientSource, uses, constants })

/** exp(x) / Σ exp(x) along the last axis of f32 x, computed from x − max(x). */
export const softmax = (x: Tensor): Tensor => softmaxRows('softmax', x, false)

/** x − ln Σ exp(x) along the last axis of f32 x. */
export const logSoftmax = (x: Tensor): Tensor => softmaxRows('logSoftmax', x, true)

function softmaxRows(name: string, x: Tensor, LOG: boolean): Tensor {
  const y = x.device.empty(x.shape)
  const run = { ...runOverRowVectors(x), constants: { LOG } }
  x.device.run(kernel, { ...run, bindings: { x, y } })
  const gradient = (dy: Tensor) => {
    const dx = x.device.empty(x.shape)
    x.device.run(gradientKernel, { ...run, bindings: { y, dy, dx } })
    return dx
  }
  return differentiable(y, { name, inputs: [x], gradient: (dy) => [() => gradient(dy)] })
}
