import { ofCeiling, type Work } from './ceilings'
import { kernelTimes } from './kernel-times'
import type { Contender, Operation } from './peers'
import type { Row, SuiteContext } from './suite'

export interface Comparison {
  /** What is measured, in the table. */
  name: string
  /** What it moves and computes at least. */
  work: Work
  make: (contender: Contender) => Promise<Operation>
  /** Elements of the result that are checked: the value in float64 of element i. */
  reference: (i: number) => number
}

/** Rounds are alternated between the contenders, so that what disturbs the machine disturbs all of them. */
const rounds = 9
const longestMilliseconds = 6000
const checked = 40

/**
 * Times one operation of several contenders: a row each. `ratio` is its time over that of the fastest that is not Outrider.
 *
 * @throws Error where a contender computes something else than the reference
 */
export async function compare(
  context: SuiteContext,
  contenders: readonly Contender[],
  comparison: Comparison,
): Promise<Row[]> {
  const running = []
  for (const contender of contenders) {
    const operation = await comparison.make(contender)
    check(`${comparison.name} by ${contender.name}`, await operation.read(), comparison.reference)
    await operation.run()
    running.push({ name: contender.name, operation, times: [] as number[] })
  }
  const began = performance.now()
  for (let round = 0; round < rounds; round++) {
    for (const { operation, times } of running) {
      const start = performance.now()
      await operation.run()
      times.push(performance.now() - start)
    }
    if (round >= 2 && performance.now() - began > longestMilliseconds * contenders.length) break
  }
  const { profile, device, ceilings } = context
  const ours = running[0]!
  if (profile) profile.push(...(await kernelTimes(device, comparison.name, () => ours.operation.run())))
  for (const { operation } of running) operation.dispose()
  const { bytes, operations } = comparison.work
  return table(comparison.name, running, (ms) => ({
    'GB/s': bytes / ms / 1e6,
    'GFLOP/s': operations / ms / 1e6,
    of_ceiling: ofCeiling(comparison.work, ceilings, ms),
  }))
}

/** A row of medians for each contender, with further figures of a run of so many milliseconds. */
export function table(
  name: string,
  running: readonly { name: string; times: readonly number[] }[],
  figures: (milliseconds: number) => Record<string, number>,
): Row[] {
  const medians = running.map(({ times }) => median(times))
  const peers = medians.filter((_, i) => !running[i]!.name.startsWith('outrider'))
  const fastest = peers.length > 0 ? Math.min(...peers) : undefined
  return running.map((entry, i) => ({
    case: name,
    contender: entry.name,
    median_ms: rounded(medians[i]!),
    least_ms: rounded(Math.min(...entry.times)),
    most_ms: rounded(Math.max(...entry.times)),
    ...Object.fromEntries(Object.entries(figures(medians[i]!)).map(([unit, figure]) => [unit, rounded(figure)])),
    times_faster_than_peers: fastest === undefined ? undefined : rounded(fastest / medians[i]!),
  }))
}

function check(what: string, result: Float32Array, reference: (i: number) => number): void {
  const step = Math.max(1, Math.floor(result.length / checked))
  for (let i = 0; i < result.length; i += step) {
    const wanted = reference(i)
    if (!(Math.abs(result[i]! - wanted) <= 1e-3 * Math.abs(wanted) + 2e-4))
      throw new Error(`${what}: element ${i} is ${result[i]}, and float64 says ${wanted}.`)
  }
}

export function median(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export const rounded = (x: number) => Number(x.toPrecision(3))
