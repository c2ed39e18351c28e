import { defineKernel, linearWorkgroups } from '../../kernel/index'
import type { Tensor } from '../../tensor'
import { nan } from '../pointwise/nan'
import source from './max-gradient.wgsl'

const kernel = defineKernel({ name: 'maxGradient', source, uses: [nan] })

/** dx = dy where x equals the largest, 0 elsewhere; NaN where the largest is NaN. All of one shape, f32. */
export function applyEqualMask(x: Tensor, largest: Tensor, dy: Tensor): Tensor {
  const dx = x.device.empty(x.shape)
  const count = Math.ceil(x.size / 4)
  x.device.run(kernel, {
    bindings: { x, largest, dy, dx },
    params: { count },
    workgroups: linearWorkgroups(Math.ceil(count / 64)),
  })
  return dx
}
