import { browserAdapter } from './device/browser-adapter'
import type { NodeAdapterOptions } from './node'

/**
 * What `@outrider/tensor/node` is in a browser's bundle: the browser's own adapter, so that a program written for both needs
 * no switch, and no bundle ever holds Dawn. The options are Dawn's and mean nothing here.
 *
 * @throws OutriderError NO_ADAPTER where there is no WebGPU, or no adapter
 */
export function nodeAdapter(_options: NodeAdapterOptions = {}): Promise<GPUAdapter> {
  return browserAdapter()
}

export type { NodeAdapterOptions }
