import { defineKernel, linearWorkgroups } from '../../kernel/index'
import type { Tensor } from '../../tensor'
import source from './argmax.wgsl'
import { noLogit } from './no-logit'
import { rowReduction, rowReductionFor } from './row-reduction'

const kernel = defineKernel({ name: 'argmax', source, uses: [rowReduction, noLogit], constants: ['LOGITS'] })

/**
 * The index of the largest element along the last axis; the lowest of several. A row with NaN has none: `noToken`.
 *
 * @param x               f32 [..., columns]
 * @param options.logits  x are logits: a row with +∞, or with nothing but −∞, has none either. Default false
 * @returns u32 [...]. Not differentiable.
 */
export function argmax(x: Tensor, { logits = false }: { logits?: boolean } = {}): Tensor {
  const columns = x.shape.at(-1) ?? 1
  const rows = x.size / columns
  const y = x.device.empty(x.shape.slice(0, -1), 'u32')
  x.device.run(kernel, {
    bindings: { x, y },
    params: { rows, columns },
    forms: [rowReductionFor(columns, x.device.capabilities)],
    constants: { LOGITS: logits },
    workgroups: linearWorkgroups(rows),
  })
  return y
}
