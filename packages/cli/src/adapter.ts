import { useSoftwareAdapter } from '@outrider/software-adapter'
import { createDevice, type Device, OutriderError } from '@outrider/tensor'

/** How a machine without a usable GPU comes to an adapter. */
export const noAdapterRemedy =
  'Install a GPU driver with Vulkan (or Metal, or D3D12). On linux-x64 without a GPU, `npm i @sparticuz/chromium` beside outrider brings a software adapter; elsewhere Mesa 25 lavapipe (mesa-vulkan-drivers, libvulkan1) is one. `outrider doctor` says what it finds.'

/**
 * The best adapter of this machine: a GPU, else the software adapter of the npm package `@sparticuz/chromium` where that
 * is installed (linux-x64).
 *
 * @throws OutriderError NO_ADAPTER
 */
export async function openAdapter(): Promise<GPUAdapter> {
  await useSoftwareAdapter().catch(() => null) // not installed: the machine's own drivers are all there is
  try {
    const { nodeAdapter } = await import('@outrider/tensor/node') // a native addon: `--help` does without it
    return await nodeAdapter()
  } catch (error) {
    const reason =
      error instanceof OutriderError && error.code === 'NO_ADAPTER'
        ? 'No WebGPU adapter was found.'
        : `WebGPU could not be started: ${(error as Error).message}`
    throw new OutriderError('NO_ADAPTER', reason, { remedy: noAdapterRemedy, cause: error })
  }
}

export const openDevice = async (): Promise<Device> => createDevice({ adapter: await openAdapter() })
