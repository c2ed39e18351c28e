/** Waits for a promise of the GPU: for drivers that need a hand while one is pending. */
export type Wait = <T>(promise: Promise<T>) => Promise<T>

const waits = new WeakMap<GPUAdapter, Wait>()

/** Devices made from this adapter wait in this way. Used by platform entry points. */
export function setWait(adapter: GPUAdapter, wait: Wait): void {
  waits.set(adapter, wait)
}

export function waitOf(adapter: GPUAdapter | undefined): Wait {
  return (adapter && waits.get(adapter)) ?? ((promise) => promise)
}
