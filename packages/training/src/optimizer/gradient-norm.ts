import { defineKernel, rowReduction, rowReductionFor, sqrt, sum, type Tensor } from '@outrider/tensor'
import source from './squared-norm.wgsl'

const kernel = defineKernel({ name: 'squaredNorm', source, uses: [rowReduction], constants: ['CHUNK'] })

/** Elements of a gradient that one workgroup squares and adds. */
const CHUNK = 1024

export interface GradientNorm {
  /** √(Σ g²) over all gradients, f32 []. */
  norm: Tensor
  /** 1 for each tensor that has an element that is NaN or infinite, u32 [tensors]. */
  faults: Tensor
}

/**
 * The global norm of gradients, and which of them are not finite. Both stay on the device; the order of the sum is fixed.
 * The caller disposes of them.
 */
export function gradientNorm(gradients: readonly Tensor[]): GradientNorm {
  const { device } = gradients[0]!
  return device.scope(() => {
    const groups = gradients.map(({ size }) => Math.ceil(size / CHUNK))
    const partials = device.empty([groups.reduce((a, b) => a + b, 0)])
    const faults = device.zeros([gradients.length], 'u32')
    const forms = [rowReductionFor(CHUNK, device.capabilities)]
    let first = 0
    for (const [i, x] of gradients.entries()) {
      device.run(kernel, {
        bindings: { x, partials, faults },
        params: { size: x.size, first, tensor: i },
        forms,
        constants: { CHUNK },
        workgroups: [groups[i]!],
      })
      first += groups[i]!
    }
    return { norm: sqrt(sum(partials)), faults }
  })
}
