import { type Device, matmul } from '@outrider/tensor'

/** What an operation moves and computes at least. */
export interface Work {
  /** Read and written once each. */
  bytes: number
  operations: number
}

/** What the adapter can do, measured: the two roofs of a roofline (Williams et al. 2009). */
export interface Ceilings {
  bytesPerSecond: number
  operationsPerSecond: number
}

const copied = 2 ** 26
const side = 1024

/** The bandwidth of a large copy, and the rate of a large matmul in f32. */
export async function measureCeilings(device: Device): Promise<Ceilings> {
  const seconds = async (run: () => void) => {
    const times: number[] = []
    for (let i = 0; i < 6; i++) {
      const start = performance.now()
      run()
      await device.idle()
      if (i > 0) times.push((performance.now() - start) / 1000)
    }
    return Math.min(...times)
  }
  using from = device.full([copied / 4], 1)
  using to = device.full([copied / 4], 2)
  using a = device.full([side, side], 0.5)
  const copy = await seconds(() => device.copy(from, 0, to, 0, copied / 4))
  const product = await seconds(() => matmul(a, a).dispose())
  return { bytesPerSecond: (2 * copied) / copy, operationsPerSecond: (2 * side ** 3) / product }
}

/** The share of its roof that a run of so many milliseconds reaches: the time that the work takes at least, over its own. */
export function ofCeiling({ bytes, operations }: Work, ceilings: Ceilings, milliseconds: number): number {
  const least = Math.max(bytes / ceilings.bytesPerSecond, operations / ceilings.operationsPerSecond)
  return (1000 * least) / milliseconds
}
