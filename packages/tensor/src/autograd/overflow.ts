import { defineKernel, linearWorkgroups } from '../kernel/index'
import type { Tensor } from '../tensor'
import source from './overflow.wgsl'

const kernel = defineKernel({ name: 'overflow', source, constants: ['VECTORS'] })

/** Vectors of eight elements that an invocation looks at. */
const vectors = 8

/**
 * Sets `flag` where an element of an f16 tensor is as large as f16 can be: what could not be held was rounded to that. Other
 * tensors are passed over.
 *
 * @param flag  u32 [1]
 */
export function markOverflow(x: Tensor, flag: Tensor): void {
  if (x.dtype !== 'f16') return
  x.device.run(kernel, {
    bindings: { x, flag },
    params: { size: x.size },
    constants: { VECTORS: vectors },
    workgroups: linearWorkgroups(Math.ceil(x.size / (8 * 64 * vectors))),
  })
}
