import { defineKernel, linearWorkgroups } from '../../kernel/index'
import type { Tensor } from '../../tensor'
import source from './fingerprint.wgsl'

const kernel = defineKernel({ name: 'fingerprint', source, constants: ['CHUNK'] })

/** Words that one workgroup adds up. */
const CHUNK = 16_384

/**
 * What tells the contents of tensors from others, 16 hexadecimal digits a tensor: two sums of 32 bits over hashes of its words
 * and their places. They are made on the device, where the tensors are, are the same on every adapter, and stand against
 * mistakes, not against malice. Tensors of other types or shapes may share a fingerprint.
 *
 * @param tensors  any dtype and shape, of one device
 */
export async function fingerprints(tensors: readonly Tensor[]): Promise<string[]> {
  const [first] = tensors
  if (!first) return []
  const { device } = first
  using sums = device.zeros([tensors.length, 2], 'u32')
  for (const [tensor, { slabs }] of tensors.entries()) {
    let place = 0
    for (const x of slabs) {
      const words = Math.ceil(x.bytes / 4)
      const workgroups = linearWorkgroups(Math.ceil(words / CHUNK))
      device.run(kernel, {
        bindings: { x, sums },
        // What follows the last element in its word is nobody's.
        params: { tensor, words, first: place, lastMask: 2 ** (8 * (x.bytes % 4 || 4)) - 1, perLine: workgroups[0] },
        constants: { CHUNK },
        workgroups,
      })
      place += words
    }
  }
  const values = await sums.data()
  return tensors.map((_, i) =>
    Array.from(values.subarray(2 * i, 2 * i + 2), (sum) => sum.toString(16).padStart(8, '0')).join(''),
  )
}
