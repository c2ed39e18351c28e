import { createDevice, type Device, type DeviceOptions, OutriderError } from '@outrider/tensor'

/** How a machine without a usable GPU comes to an adapter. */
export const noAdapterRemedy =
  'Install a GPU driver with Vulkan (or Metal, or D3D12). On linux-x64 without a GPU, @outrider/software-adapter beside outrider brings a software adapter (`npm i -g @outrider/software-adapter` where outrider is global; not on npm yet, a checkout has it); elsewhere Mesa 25 lavapipe (mesa-vulkan-drivers, libvulkan1) is one. `outrider doctor` says what it finds.'

/**
 * The best adapter of this machine: a GPU, else the software adapter of `@outrider/software-adapter` where that is installed
 * (linux-x64).
 *
 * @throws OutriderError NO_ADAPTER
 */
export async function openAdapter(): Promise<GPUAdapter> {
  try {
    const { nodeAdapter } = await import('@outrider/tensor/node') // a native addon: `--help` does without it
    return await nodeAdapter({ software: 'fallback' })
  } catch (error) {
    throw new OutriderError('NO_ADAPTER', reasonOf(error), { remedy: noAdapterRemedy, cause: error })
  }
}

export const openDevice = async (options: Pick<DeviceOptions, 'maxMemoryBytes'> = {}): Promise<Device> =>
  createDevice({ adapter: await openAdapter(), ...options })

function reasonOf(error: unknown): string {
  if (!(error instanceof OutriderError)) return `WebGPU could not be started: ${(error as Error).message}`
  return error.remedy ? 'No WebGPU adapter was found.' : error.message
}
