import { OutriderError } from '../errors'

/** The adapter that the surroundings offer by themselves, as browsers do. */
export async function browserAdapter(): Promise<GPUAdapter> {
  const gpu = globalThis.navigator?.gpu
  if (!gpu)
    throw new OutriderError('NO_ADAPTER', 'WebGPU is not available here.', {
      remedy:
        "In Node, pass { adapter: await nodeAdapter() } from '@outrider/tensor/node'; in a browser, use a recent one over https or localhost.",
    })
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
  if (adapter) return adapter
  throw new OutriderError('NO_ADAPTER', 'This browser offers no WebGPU adapter.', {
    remedy: 'Check that hardware acceleration is on and the graphics driver is up to date.',
  })
}
