import type { Device } from '@outrider/tensor'
import { throwIfAborted } from '@outrider/transformer'

/** How measuring is done, whatever is measured. */
export interface MeasuringOptions {
  /** Times that each thing is measured; the median counts. Default 5. */
  repetitions?: number | undefined
  /** Seconds. Default the system's clock. */
  now?: (() => number) | undefined
  /**
   * Runs each single measurement, which waits first for what is queued: where others use the device meanwhile, between what they do.
   * Default at once.
   */
  inTurn?: (<Result>(measurement: () => Promise<Result>) => Promise<Result>) | undefined
  signal?: AbortSignal | undefined
}

/**
 * Runs each of several measurements in turns, so that what disturbs the machine disturbs all of them, on a device that has
 * nothing else to do. A first round, which compiles and warms, is left out.
 *
 * @returns the median of each
 * @throws OutriderError ABORTED when the signal says so
 */
export async function mediansInTurns(
  device: Device,
  runs: readonly (() => Promise<number>)[],
  { repetitions = 5, inTurn = (measurement) => measurement(), signal }: MeasuringOptions = {},
): Promise<number[]> {
  const seconds: number[][] = runs.map(() => [])
  for (let round = 0; round <= repetitions; round++)
    for (const [i, run] of runs.entries()) {
      const taken = await inTurn(async () => {
        await device.idle()
        throwIfAborted(signal)
        return run()
      })
      if (round > 0) seconds[i]!.push(taken)
    }
  return seconds.map(median)
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
