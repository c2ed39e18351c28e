import { createDevice } from '../device/create-device'
import type { Device } from '../device/device'

/**
 * A device of Node on which kernels are chosen as on a GPU without subgroups, which other adapters have, too: what they compute is
 * right, and has the bits that it has there but for the driver. It does not count as software. The caller disposes of it.
 */
export async function likeGpu(): Promise<Device> {
  const { nodeAdapter } = await import('@outrider/tensor/node')
  const device = await createDevice({ adapter: nodeAdapter() })
  const capabilities = { ...device.capabilities, subgroups: false, subgroupMinSize: 0, subgroupMaxSize: 0 }
  return Object.defineProperties(device, { capabilities: { value: capabilities }, isSoftware: { value: false } })
}
