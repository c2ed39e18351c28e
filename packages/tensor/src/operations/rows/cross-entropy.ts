import { differentiable } from '../../autograd/tape'
import { ShapeError } from '../../errors'
import { defineKernel } from '../../kernel/index'
import type { Tensor } from '../../tensor'
import { rowReduction } from '../reduce/row-reduction'
import source from './cross-entropy.wgsl'
import gradientSource from './cross-entropy-gradient.wgsl'
import { rowVectors, runOverRowVectors } from './row-vectors'

const uses = [rowReduction, rowVectors]
const kernel = defineKernel({ name: 'crossEntropy', source, uses })
const gradientKernel = defineKernel({ name: 'crossEntropyGradient', source: gradientSource, uses })

/**
 * −ln softmax(logits)[label], row by row.
 *
 * @param logits  f32 [rows, vocabulary]
 * @param labels  u32 [rows]; rows whose label is `ignoreIndex` have loss and gradient 0
 * @returns f32 [rows], in nats
 */
export function crossEntropy(
  logits: Tensor,
  labels: Tensor,
  { ignoreIndex = 0xffffffff }: { ignoreIndex?: number } = {},
): Tensor {
  const columns = logits.shape.at(-1) ?? 1
  const rows = logits.size / columns
  if (labels.size !== rows)
    throw new ShapeError('crossEntropy', [logits.shape, labels.shape], 'one label a row is needed')
  const { device } = logits
  const loss = device.empty(labels.shape)
  const logSumExp = device.empty([rows])
  const run = runOverRowVectors(logits)
  const params = { ...run.params, ignore: ignoreIndex }
  device.run(kernel, { ...run, params, bindings: { logits, labels, loss, logSumExp } })
  const gradient = (dloss: Tensor) => {
    const dlogits = device.empty(logits.shape)
    device.run(gradientKernel, { ...run, params, bindings: { logits, labels, logSumExp, dloss, dlogits } })
    return dlogits
  }
  return differentiable(loss, {
    name: 'crossEntropy',
    inputs: [logits, labels],
    saved: [logSumExp],
    gradient: (dy) => [() => gradient(dy), null],
  })
}
