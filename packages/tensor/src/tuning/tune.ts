import type { Device } from '../device/device'
import { OutriderError } from '../errors'
import type { Tensor } from '../tensor'
import { differences, type Samples } from './agreement'
import type { TunedKernelName, TunedKernels } from './kernel-choices'

export interface TuneOptions {
  /** Rows that are timed. Default 512; 64 where a CPU plays the device. */
  rows?: number | undefined
  /** Milliseconds for all. What is not reached keeps its default. Default 10,000. */
  budget?: number | undefined
  signal?: AbortSignal | undefined
  onProgress?: ((progress: TuneProgress) => void) | undefined
}

export interface TuneProgress {
  /** Problems (weights of a shape and format) that are done, and how many there are. */
  done: number
  total: number
}

/** A kernel that may solve a problem. */
export interface TuneCandidate {
  readonly name: TunedKernelName
  readonly run: () => Tensor
}

/** What one kernel is to be chosen for. */
export interface TuneProblem {
  /** As in `choiceKey` or `matmulKey`. */
  readonly key: string
  readonly rows: number
  readonly device: Device
  /** Makes the operands, and takes them away behind `body`. */
  use<T>(body: (problem: OpenProblem) => Promise<T>): Promise<T>
}

/** A problem whose operands are there. */
export interface OpenProblem {
  /** What capabilities choose. */
  readonly standard: TunedKernelName
  readonly candidates: readonly TuneCandidate[]
  readonly samples: Samples
}

/** What was found for weights of one shape and format. */
export interface TunedWeights {
  /** As in `choiceKey` or `matmulKey`. */
  readonly key: string
  readonly rows: number
  /** What capabilities choose. */
  readonly standard: TunedKernelName
  /** What is to be used; the default, where nothing is a twentieth faster. */
  readonly chosen: TunedKernelName
  /** Milliseconds of a run by kernel, the median. */
  readonly milliseconds: Readonly<Partial<Record<TunedKernelName, number>>>
  /** Kernels whose results are wrong here: set aside, whatever their time. */
  readonly wrong: readonly TunedKernelName[]
}

/** What tuning found. */
export interface Tuning {
  readonly weights: readonly TunedWeights[]
  /** Keys of what the budget did not reach. */
  readonly notReached: readonly string[]
  /** What is other than the default. */
  readonly kernels: TunedKernels
}

/**
 * Times the kernels for each problem, in the order given, and holds their results against one another and, at some places, against
 * float64. Nothing is used yet: `device.kernels.use(tuning.kernels)`.
 *
 * @throws OutriderError ABORTED; INVALID_ARGUMENT for a budget that is none; KERNEL where every kernel is wrong
 */
export async function tune(
  problems: readonly TuneProblem[],
  { budget = 10_000, signal, onProgress }: Omit<TuneOptions, 'rows'> = {},
): Promise<Tuning> {
  if (!(budget > 0)) throw new OutriderError('INVALID_ARGUMENT', `tuning: a budget of ${budget} ms is none.`)
  const end = performance.now() + budget
  const found: TunedWeights[] = []
  const notReached: string[] = []
  for (const [i, problem] of problems.entries()) {
    assertWanted(signal)
    const now = performance.now()
    const share = now + (end - now) / (problems.length - i)
    const tuned = now < end ? await problem.use((open) => tuneOne(problem, open, { end, share }, signal)) : undefined
    if (tuned) found.push(tuned)
    else notReached.push(problem.key)
    assertWanted(signal)
    onProgress?.({ done: i + 1, total: problems.length })
  }
  const kernels = found.filter(({ standard, chosen }) => chosen !== standard).map(({ key, chosen }) => [key, chosen])
  return { weights: found, notReached, kernels: Object.fromEntries(kernels) }
}

/** Rows to time on a device. @throws OutriderError INVALID_ARGUMENT for rows that are none */
export function rowsToTime(device: Device, rows = device.isSoftware ? 64 : 512): number {
  if (!(Number.isInteger(rows) && rows >= 1))
    throw new OutriderError('INVALID_ARGUMENT', `tuning: ${rows} rows are none.`)
  return rows
}

/** Undefined where the time was not enough for every kernel. */
async function tuneOne(
  { key, rows, device }: TuneProblem,
  { standard, candidates, samples }: OpenProblem,
  { end, share }: { end: number; share: number },
  signal: AbortSignal | undefined,
): Promise<TunedWeights | undefined> {
  const times = new Map<TunedKernelName, number[]>()
  const wrong: TunedKernelName[] = []
  // The first run of each compiles it and shows its result; the first that is right is what the others are compared with.
  let reference: Tensor | undefined
  try {
    for (const { name, run } of candidates) {
      assertWanted(signal)
      if (performance.now() > end) return undefined
      const y = run()
      if (!(await samples.agree(y)) || (reference && (await differences(reference, y, samples.typical)) > 0))
        wrong.push(name)
      else times.set(name, [])
      if (reference || wrong.includes(name)) y.dispose()
      else reference = y
    }
  } finally {
    reference?.dispose()
  }
  if (times.size === 0)
    throw new OutriderError('KERNEL', `Every kernel is wrong here: ${key}.`, {
      remedy: 'Update the graphics driver.',
      details: { wrong },
    })
  const right = candidates.filter(({ name }) => times.has(name))
  for (let round = 0; round < mostRounds; round++) {
    const fastest = Math.min(...[...times.values()].flat())
    for (const { name, run } of right) {
      assertWanted(signal)
      // Compiling takes most of the first shape's time, and serves the others: only further rounds are a matter of its share.
      if (performance.now() > (round === 0 ? end : share)) {
        if (round === 0) return undefined
        continue
      }
      const own = times.get(name)!
      if (round > 0 && Math.min(...own) > hopeless * fastest) continue
      own.push(await timeOf(device, run))
    }
  }
  const milliseconds = Object.fromEntries([...times].map(([name, all]) => [name, median(all)]))
  const best = right.map(({ name }) => name).reduce((a, b) => (milliseconds[b]! < milliseconds[a]! ? b : a))
  const gains = !times.has(standard) || milliseconds[best]! < worthwhile * milliseconds[standard]!
  return { key, rows, standard, chosen: gains ? best : standard, milliseconds, wrong }
}

const assertWanted = (signal: AbortSignal | undefined): void => {
  if (signal?.aborted) throw new OutriderError('ABORTED', 'Tuning was aborted.', { cause: signal.reason })
}

const mostRounds = 5
/** A choice that gains less than a twentieth is noise, and not worth other bits. */
const worthwhile = 0.95
/** What takes so many times as long as the fastest is timed once: the budget is for those that may win. */
const hopeless = 3
/** A time is taken over at least so many milliseconds. */
const leastMilliseconds = 3

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

async function timeOf(device: Device, run: () => Tensor): Promise<number> {
  for (let count = 1; ; count *= 4) {
    const began = performance.now()
    for (let i = 0; i < count; i++) run().dispose()
    await device.idle()
    const spent = performance.now() - began
    if (spent >= leastMilliseconds || count >= 256) return spent / count
  }
}
