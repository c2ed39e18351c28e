import type { Capabilities, Subgroups } from '../device/capabilities'
import { createDevice } from '../device/create-device'
import type { Device } from '../device/device'

const subgroupsOf = (subgroupMinSize: number, subgroupMaxSize: number): Subgroups => ({
  subgroups: true,
  subgroupMinSize,
  subgroupMaxSize,
})

/** What GPUs that are not at hand say of their subgroups, by their drivers' reports: what kernels choose by. */
export const gpuSubgroups = {
  'NVIDIA, Apple': subgroupsOf(32, 32),
  'Intel, Gen9 to Xe-LP': subgroupsOf(8, 32),
  'Intel Arc': subgroupsOf(16, 32),
  'AMD RDNA': subgroupsOf(32, 64),
  'AMD GCN, CDNA': subgroupsOf(64, 64),
  'Qualcomm Adreno': subgroupsOf(64, 128),
} as const satisfies Readonly<Record<string, Subgroups>>

/**
 * A device of Node on which kernels are chosen as on a GPU, which other adapters have, too: what they compute is right, and has the
 * bits that it has there but for the driver. It does not count as software. The caller disposes of it.
 *
 * Workgroup memory is not cleared before a kernel: to clear it SwiftShader writes an instruction for every word of it, and
 * compiles a kernel of 16 KiB for seconds.
 *
 * @param options.subgroups  with the adapter's own subgroups, of which it says that they may be as wide as 32, as Intel's GPUs do;
 *   by default without any
 * @param options.others     what it is to have otherwise than the adapter
 */
export async function likeGpu({
  subgroups = false,
  others = {},
}: {
  subgroups?: boolean
  others?: Partial<Capabilities>
} = {}): Promise<Device> {
  const { nodeAdapter } = await import('@outrider/tensor/node')
  const device = await createDevice({ adapter: nodeAdapter({ flags: [withoutClearing] }) })
  const own = device.capabilities
  if (subgroups && !own.subgroups) throw new Error('This adapter has no subgroups.')
  const said = subgroups ? subgroupsOf(own.subgroupMinSize, 32) : { subgroups, subgroupMinSize: 0, subgroupMaxSize: 0 }
  const capabilities = { ...own, ...said, ...others }
  return Object.defineProperties(device, { capabilities: { value: capabilities }, isSoftware: { value: false } })
}

const withoutClearing = 'enable-dawn-features=disable_workgroup_init'
