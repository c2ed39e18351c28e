import {
  defineKernel,
  linearWorkgroups,
  rowReduction,
  rowReductionFor,
  type SampleOptions,
  sampleCategorical,
  type Tensor,
} from '@outrider/tensor'
import source from './token-weights.wgsl'

const kernel = defineKernel({ name: 'tokenWeights', source, uses: [rowReduction] })

/**
 * One token a row, drawn from the softmax of the draft's first `columns` logits, with `uniform01(seed, offset + row)`.
 *
 * @returns u32 [rows]
 */
export function drawTokens(logits: Tensor, columns: number, random: SampleOptions): Tensor {
  const { device } = logits
  const [rows, draftColumns] = logits.shape as [number, number]
  return device.scope(() => {
    const weights = device.empty([rows, columns])
    device.run(kernel, {
      bindings: { logits, weights },
      params: { rows, columns, draftColumns },
      forms: [rowReductionFor(columns, device.capabilities)],
      workgroups: linearWorkgroups(rows),
    })
    return sampleCategorical(weights, random)
  })
}
