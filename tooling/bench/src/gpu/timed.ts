import type { Device } from '@outrider/tensor'
import { median } from '../compare'

export interface Timed {
  /** Milliseconds of a run, the median of several rounds. */
  ms: number
  /** Milliseconds that the host took to queue it. Where it is near `ms`, the host is what was measured. */
  host_ms: number
}

/** How often, and for how long each time, something is done to know what it takes. */
export interface Timing {
  rounds: number
  roundMilliseconds: number
}

/**
 * The time of a run, from many of them between two waits: a wait costs more than most kernels do.
 *
 * @param run  queues the work and waits for nothing; given the number of the run
 */
export async function timed(
  device: Device,
  run: (i: number) => void,
  { rounds, roundMilliseconds, most = 400 }: Timing & { most?: number | undefined },
): Promise<Timed> {
  const round = async (count: number): Promise<Timed> => {
    const start = performance.now()
    for (let i = 0; i < count; i++) run(i)
    device.flush()
    const queued = performance.now()
    await device.idle()
    return { ms: (performance.now() - start) / count, host_ms: (queued - start) / count }
  }
  await round(1) // compiles
  const { ms: about } = await round(2)
  const count = Math.max(1, Math.min(most, Math.ceil(roundMilliseconds / about)))
  const times: Timed[] = []
  for (let i = 0; i < rounds; i++) times.push(await round(count))
  return { ms: median(times.map(({ ms }) => ms)), host_ms: median(times.map(({ host_ms }) => host_ms)) }
}
