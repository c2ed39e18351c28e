import { differentiable } from '../../autograd/tape'
import { defineKernel } from '../../kernel'
import type { Tensor } from '../../tensor'
import { runOverRowVectors } from './row-vectors'
import source from './softmax.wgsl'
import gradientSource from './softmax-gradient.wgsl'

const kernel = defineKernel({ name: 'softmax', source })
const gradientKernel = defineKernel({ name: 'softmaxGradient', source: gradientSource })

/** exp(x) / Σ exp(x) along the last axis of f32 x, computed from x − max(x). */
export const softmax = (x: Tensor): Tensor => softmaxRows('softmax', x, false)

/** x − ln Σ exp(x) along the last axis of f32 x. */
export const logSoftmax = (x: Tensor): Tensor => softmaxRows('logSoftmax', x, true)

function softmaxRows(name: string, x: Tensor, LOG: boolean): Tensor {
  const y = x.device.empty(x.shape)
  const run = runOverRowVectors(x, { LOG })
  x.device.run(kernel, { ...run, bindings: { x, y } })
  const gradient = (dy: Tensor) => {
    const dx = x.device.empty(x.shape)
    x.device.run(gradientKernel, { ...run, bindings: { y, dy, dx } })
    return dx
  }
  return differentiable(y, { name, inputs: [x], gradient: (dy) => [() => gradient(dy)] })
}
