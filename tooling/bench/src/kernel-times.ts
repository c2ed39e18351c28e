import type { Device } from '@outrider/tensor'
import { rounded } from './compare'
import type { Row } from './suite'

/** Device time by kernel while `run` runs, the dearest first. */
export async function kernelTimes(device: Device, name: string, run: () => Promise<unknown>): Promise<Row[]> {
  if (!device.capabilities.timestampQuery)
    return [{ case: name, kernel: 'this adapter has no timestamp queries', count: 0, ms: 0, share: 0 }]
  const { kernels } = await device.profile(run)
  const total = kernels.reduce((sum, { microseconds }) => sum + microseconds, 0)
  return kernels.map(({ name: kernel, count, microseconds }) => ({
    case: name,
    kernel,
    count,
    ms: rounded(microseconds / 1000),
    share: rounded(microseconds / total),
  }))
}
