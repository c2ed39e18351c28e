import { defineKernel, elements, linearWorkgroups } from '../../kernel/index'
import type { Tensor } from '../../tensor'
import { rowReduction, workgroupReduction } from '../reduce/row-reduction'
import source from './inverse-rms.wgsl'

const kernel = defineKernel({ name: 'inverseRms', source, uses: [rowReduction, elements({ x: 4 })] })

/**
 * 1 / √(mean(x²) + ε) along the last axis: what rows are brought to the same size by.
 *
 * @param x  f32 or f16 [..., columns], a multiple of four
 * @returns f32 [rows]
 */
export function inverseRms(x: Tensor, epsilon: number): Tensor {
  const columns = x.shape.at(-1)! / 4
  const rows = x.size / columns / 4
  const scales = x.device.empty([rows])
  x.device.run(kernel, {
    forms: [workgroupReduction(columns <= 256 ? 64 : 256)],
    bindings: { x, scales },
    params: { rows, columns, epsilon },
    workgroups: linearWorkgroups(rows),
  })
  return scales
}
