import { create } from 'webgpu'
import { setWait, type Wait } from './device/wait'
import { OutriderError } from './errors'

export interface NodeAdapterOptions {
  /** Toggles for Dawn, such as 'enable-dawn-features=skip_validation' or 'backend=vulkan'. */
  flags?: readonly string[]
}

/**
 * A WebGPU adapter in Node, through Dawn (the npm package `webgpu`): a GPU where there is one, else a software driver.
 *
 * @throws OutriderError NO_ADAPTER where Dawn finds none
 */
export async function nodeAdapter({ flags = [] }: NodeAdapterOptions = {}): Promise<GPUAdapter> {
  const gpu = create([...flags])
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
  if (!adapter)
    throw new OutriderError('NO_ADAPTER', 'Dawn finds no WebGPU adapter on this machine.', {
      remedy:
        'Install a GPU driver with Vulkan (or Metal, or D3D12); on Linux without a GPU, Mesa 25 lavapipe (package mesa-vulkan-drivers and libvulkan1) or SwiftShader named by VK_DRIVER_FILES.',
    })
  instances.add(gpu)
  if (adapter.info.isFallbackAdapter) setWait(adapter, sleepBetweenPolls)
  return adapter
}

// An instance that is collected before its devices takes the process with it, and the collector keeps no order.
const instances = new Set<GPU>()

const clock = new Int32Array(new SharedArrayBuffer(4))
const sleepMilliseconds = 0.2

/**
 * Dawn polls in a busy loop of the event loop while a promise is pending. Where the adapter is the CPU itself, that takes a
 * core from the kernels; short sleeps between the polls give it back (1.2 to 1.9 times the speed on two cores).
 */
const sleepBetweenPolls: Wait = async <T>(promise: Promise<T>): Promise<T> => {
  let pending = true
  const done = () => {
    pending = false
  }
  promise.then(done, done)
  await Promise.resolve()
  while (pending) {
    await new Promise((resolve) => setImmediate(resolve))
    if (pending) Atomics.wait(clock, 0, 0, sleepMilliseconds)
  }
  return promise
}
