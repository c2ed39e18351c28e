import { defineKernel, rowReduction, sqrt, sum, type Tensor } from '@outrider/tensor'
import source from './squared-norm.wgsl'

const kernel = defineKernel({ name: 'squaredNorm', source })

/** Elements of a gradient that one workgroup squares and adds. */
const CHUNK = 1024

/**
 * The global norm √(Σ g²) over all gradients, f32 of shape []. Stays on the device; the order of the sum is fixed.
 * The caller disposes of it.
 */
export function gradientNorm(gradients: readonly Tensor[]): Tensor {
  const { device } = gradients[0]!
  return device.scope(() => {
    const groups = gradients.map(({ size }) => Math.ceil(size / CHUNK))
    const partials = device.empty([groups.reduce((a, b) => a + b, 0)])
    const lanes = rowReduction(CHUNK, device.capabilities)
    let first = 0
    for (const [i, x] of gradients.entries()) {
      device.run(kernel, {
        bindings: { x, partials },
        params: { size: x.size, first },
        ...lanes,
        constants: { ...lanes.constants, CHUNK },
        workgroups: [groups[i]!],
      })
      first += groups[i]!
    }
    return sqrt(sum(partials))
  })
}
