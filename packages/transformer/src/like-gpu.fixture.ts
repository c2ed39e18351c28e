import { createDevice, type Device } from '@outrider/tensor'
import { nodeAdapter } from '@outrider/tensor/node'

/**
 * A device on which kernels are chosen as on a GPU without subgroups, which other adapters have, too: what they compute is right,
 * and has the bits that it has there but for the driver.
 */
export async function likeGpu(): Promise<Device> {
  const device = await createDevice({ adapter: nodeAdapter() })
  const capabilities = { ...device.capabilities, subgroups: false, subgroupMinSize: 0, subgroupMaxSize: 0 }
  return Object.defineProperty(device, 'capabilities', { value: capabilities })
}
