import { defineKernel, linearWorkgroups } from '../../kernel'
import type { Tensor } from '../../tensor'
import source from './argmax.wgsl'
import { rowReduction } from './row-reduction'

const kernel = defineKernel({ name: 'argmax', source })

/**
 * The index of the largest element along the last axis; the lowest of several.
 *
 * @param x  f32 [..., columns]
 * @returns u32 [...]. Not differentiable.
 */
export function argmax(x: Tensor): Tensor {
  const columns = x.shape.at(-1) ?? 1
  const rows = x.size / columns
  const y = x.device.empty(x.shape.slice(0, -1), 'u32')
  x.device.run(kernel, {
    bindings: { x, y },
    params: { rows, columns },
    ...rowReduction(columns, x.device.capabilities),
    workgroups: linearWorkgroups(rows),
  })
  return y
}
