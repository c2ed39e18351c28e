import type { Capabilities } from './capabilities'

/**
 * What tells an adapter and its driver from others, for what is kept of them. WebGPU names no driver's version: where the
 * description has it (Mesa, Dawn) it counts, in a page so does the browser's, and everywhere what the adapter can do.
 */
export function adapterIdentity(info: GPUAdapterInfo | undefined, capabilities: Capabilities): string {
  const { vendor = '', architecture = '', device = '', description = '' } = info ?? {}
  const { driver = '' } = (info ?? {}) as { driver?: string } // of Dawn, where asked for
  const browser = globalThis.process?.versions?.node ? '' : (globalThis.navigator?.userAgent ?? '')
  return [vendor, architecture, device, description, driver, browser, JSON.stringify(capabilities)].join(' | ')
}
