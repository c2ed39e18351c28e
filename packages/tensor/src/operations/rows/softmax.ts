import { differentiable } from '../../autograd/tape'
import { defineKernel, linearWorkgroups } from '../../kernel'
import type { Tensor } from '../../tensor'
import { rowReduction } from '../reduce/row-reduction'
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
  const run = runOverRows(x, { LOG })
  x.device.run(kernel, { ...run, bindings: { x, y } })
  const gradient = (dy: Tensor) => {
    const dx = x.device.empty(x.shape)
    x.device.run(gradientKernel, { ...run, bindings: { y, dy, dx } })
    return dx
  }
  return differentiable(y, { name, inputs: [x], gradient: (dy) => [() => gradient(dy)] })
}

/** Parameters of a kernel that gives a workgroup to each row of the last axis. */
export function runOverRows(x: Tensor, constants: Record<string, boolean | number> = {}) {
  const columns = x.shape.at(-1) ?? 1
  const rows = x.size / columns
  const lanes = rowReduction(columns, x.device.capabilities)
  return {
    params: { rows, columns },
    ...lanes,
    constants: { ...lanes.constants, ...constants },
    workgroups: linearWorkgroups(rows),
  }
}
