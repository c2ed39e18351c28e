import { createDevice } from '../device/create-device'
import type { Device } from '../device/device'

let device: Promise<Device> | undefined

/**
 * One device for all tests of a process: kernels are compiled once. In Node it is Dawn's; in a browser the tab's.
 * It is never disposed of; a test that loses its device makes one of its own.
 */
export function testDevice(): Promise<Device> {
  device ??= make()
  return device
}

async function make(): Promise<Device> {
  if (globalThis.navigator && 'gpu' in globalThis.navigator && globalThis.navigator.gpu) return createDevice()
  // By the public name: a browser's bundle then takes what that name means there, not Dawn.
  const { nodeAdapter } = await import('@outrider/tensor/node')
  return createDevice({ adapter: nodeAdapter() })
}
