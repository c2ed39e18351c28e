import { browserAdapter } from './browser-adapter'
import { deviceDescriptor } from './capabilities'
import { Device } from './device'
import { matrixUnitsOf } from './matrix-units'
import { waitOf } from './wait'

export interface DeviceOptions {
  /** The adapter to use; in a browser it may be left out. `nodeAdapter()` of `@outrider/tensor/node` finds one in Node. */
  adapter?: GPUAdapter | Promise<GPUAdapter> | undefined
  /** A device that the program already has. It is not destroyed by `dispose`. */
  device?: GPUDevice | undefined
  /** Lay matrices in slabs of at most this many bytes, though the device could bind more: as a smaller device would. */
  maxBindingBytes?: number | undefined
  /**
   * What all tensors together may hold, in bytes; beyond it OUT_OF_MEMORY is thrown. Default: where a CPU plays the device, the
   * memory of this machine, for a system ends processes that want more; else what the driver gives.
   */
  maxMemoryBytes?: number | undefined
  /** Submit when this many dispatches wait. Default: few on a CPU that plays a GPU, so that it works while the host encodes; many on a GPU. */
  submitEvery?: number | undefined
}

/**
 * A WebGPU device.
 *
 * @throws OutriderError NO_ADAPTER where there is no WebGPU, or no adapter
 */
export async function createDevice({ adapter, device, ...options }: DeviceOptions = {}): Promise<Device> {
  const made = async (gpu: GPUDevice, info: GPUAdapterInfo, from: GPUAdapter | undefined) =>
    new Device(gpu, {
      owned: from !== undefined,
      info,
      wait: waitOf(from),
      matrixUnits: await matrixUnitsOf(gpu, info),
      ...options,
    })
  if (device) return made(device, device.adapterInfo, undefined)
  const chosen = adapter ? await adapter : await browserAdapter()
  const gpu = await chosen.requestDevice(deviceDescriptor(chosen))
  return made(gpu, chosen.info, chosen)
}
