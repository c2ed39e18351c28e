import type { Capabilities } from '../device/capabilities'
import { createDevice } from '../device/create-device'
import type { Device } from '../device/device'

/**
 * A device of Node on which kernels are chosen as on a GPU without subgroups, which other adapters have, too: what they compute is
 * right, and has the bits that it has there but for the driver. It does not count as software. The caller disposes of it.
 *
 * Workgroup memory is not cleared before a kernel: to clear it SwiftShader writes an instruction for every word of it, and
 * compiles a kernel of 16 KiB for seconds.
 *
 * @param others  what it is to have otherwise than the adapter
 */
export async function likeGpu(others: Partial<Capabilities> = {}): Promise<Device> {
  const { nodeAdapter } = await import('@outrider/tensor/node')
  const device = await createDevice({ adapter: nodeAdapter({ flags: [withoutClearing] }) })
  const capabilities = {
    ...device.capabilities,
    ...{ subgroups: false, subgroupMinSize: 0, subgroupMaxSize: 0, ...others },
  }
  return Object.defineProperties(device, { capabilities: { value: capabilities }, isSoftware: { value: false } })
}

const withoutClearing = 'enable-dawn-features=disable_workgroup_init'
