import type { Device } from '../device/device'
import { isInSpans } from '../dtype'
import { OutriderError } from '../errors'
import { defineKernel } from '../kernel/index'
import { embedding } from '../operations/embedding/embedding'
import { linear } from '../operations/matmul/linear'
import { fewRows, type LinearKernelName, linearKernelFor, linearTile, takesLinear } from '../operations/matmul/select'
import { uniform01 } from '../random/philox'
import type { Tensor } from '../tensor'
import differencesSource from './differences.wgsl'
import { choiceKey, linearCandidates, type TunedKernels } from './kernel-choices'

/** A kernel that may compute x · weightᵀ. */
export interface LinearCandidate {
  readonly name: LinearKernelName
  readonly run: (x: Tensor, weight: Tensor) => Tensor
}

export interface TuneOptions {
  /** Rows of x that are timed. Default 512; 64 where a CPU plays the device. */
  rows?: number | undefined
  /** Milliseconds for all. What is not reached keeps its default. Default 10,000. */
  budget?: number | undefined
  signal?: AbortSignal | undefined
  onProgress?: ((progress: TuneProgress) => void) | undefined
  /** Default: all kernels of `linear` that take the form here. */
  candidatesFor?: ((weight: Tensor) => readonly LinearCandidate[]) | undefined
}

export interface TuneProgress {
  /** Weights that are done, and how many there are. */
  done: number
  total: number
}

/** What was found for weights of one shape and format. */
export interface TunedWeights {
  /** As in `choiceKey`. */
  readonly key: string
  readonly rows: number
  /** What capabilities choose. */
  readonly standard: LinearKernelName
  /** What is to be used; the default, where nothing is a twentieth faster. */
  readonly chosen: LinearKernelName
  /** Milliseconds of a run by kernel, the median. */
  readonly milliseconds: Readonly<Partial<Record<LinearKernelName, number>>>
  /** Kernels whose results are wrong here: set aside, whatever their time. */
  readonly wrong: readonly LinearKernelName[]
}

/** What tuning found. */
export interface Tuning {
  readonly weights: readonly TunedWeights[]
  /** Keys of weights that the budget did not reach. */
  readonly notReached: readonly string[]
  /** What is other than the default. */
  readonly kernels: TunedKernels
}

/**
 * Times the kernels of linear layers of many rows on this device, by the weights themselves, and holds their results against one
 * another and, at some places, against float64. Nothing is used yet: `device.kernels.use(tuning.kernels)`.
 *
 * @param weights  of each shape and format the first is timed
 * @throws OutriderError ABORTED; INVALID_ARGUMENT for a budget or rows that are none; KERNEL where every kernel is wrong
 */
export async function tuneLinear(weights: readonly Tensor[], options: TuneOptions = {}): Promise<Tuning> {
  const { budget = 10_000, signal, onProgress } = options
  if (!(budget > 0)) throw new OutriderError('INVALID_ARGUMENT', `tuning: a budget of ${budget} ms is none.`)
  const end = performance.now() + budget
  const problems = new Map<string, Tensor>()
  for (const weight of weights) {
    const key = choiceKey(describe(weight))
    if (!problems.has(key)) problems.set(key, weight)
  }
  const found: TunedWeights[] = []
  const notReached: string[] = []
  for (const [i, [key, weight]] of [...problems].entries()) {
    const now = performance.now()
    const share = now + (end - now) / (problems.size - i)
    const tuned = now < end ? await tuneOne(key, weight, { end, share }, options) : undefined
    if (tuned) found.push(tuned)
    else notReached.push(key)
    assertWanted(signal)
    onProgress?.({ done: i + 1, total: problems.size })
  }
  const kernels = found.filter(({ standard, chosen }) => chosen !== standard).map(({ key, chosen }) => [key, chosen])
  return { weights: found, notReached, kernels: Object.fromEntries(kernels) }
}

/** Undefined where the time was not enough for every kernel. */
async function tuneOne(
  key: string,
  weight: Tensor,
  { end, share }: { end: number; share: number },
  { rows: wanted, signal, candidatesFor = everyKernel }: TuneOptions,
): Promise<TunedWeights | undefined> {
  const { device } = weight
  const { n, k } = describe(weight)
  const rows = wanted ?? (device.isSoftware ? 64 : 512)
  if (!(Number.isInteger(rows) && rows >= 1))
    throw new OutriderError('INVALID_ARGUMENT', `tuning: ${rows} rows are none.`)
  const candidates = candidatesFor(weight)
  const standard = standardOf(weight, rows, candidates)
  const host = Float32Array.from({ length: rows * k }, (_, i) => 2 * uniform01(7, i) - 1)
  using x = device.tensor(host, { shape: [rows, k] })
  const samples = await sampled(host, weight, rows)
  const times = new Map<LinearKernelName, number[]>()
  const wrong: LinearKernelName[] = []
  // The first run of each compiles it and shows its result; the first that is right is what the others are compared with.
  let reference: Tensor | undefined
  try {
    for (const { name, run } of candidates) {
      assertWanted(signal)
      if (performance.now() > end) return undefined
      const y = run(x, weight)
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
    throw new OutriderError('KERNEL', `Every kernel computes x · wᵀ wrongly here, for weights [${n}, ${k}].`, {
      remedy: 'Update the graphics driver.',
      details: { wrong },
    })
  const right = candidates.filter(({ name }) => times.has(name))
  for (let round = 0; round < mostRounds; round++)
    for (const { name, run } of right) {
      assertWanted(signal)
      // Compiling takes most of the first shape's time, and serves the others: only further rounds are a matter of its share.
      if (performance.now() > (round === 0 ? end : share)) {
        if (round === 0) return undefined
        continue
      }
      times.get(name)!.push(await timeOf(device, () => run(x, weight)))
    }
  const milliseconds = Object.fromEntries([...times].map(([name, all]) => [name, median(all)]))
  const best = right.map(({ name }) => name).reduce((a, b) => (milliseconds[b]! < milliseconds[a]! ? b : a))
  const gains = !times.has(standard) || milliseconds[best]! < worthwhile * milliseconds[standard]!
  return { key, rows, standard, chosen: gains ? best : standard, milliseconds, wrong }
}

const describe = ({ shape, dtype }: Tensor) => ({ n: shape[0]!, k: shape[1]!, dtype })

const assertWanted = (signal: AbortSignal | undefined): void => {
  if (signal?.aborted) throw new OutriderError('ABORTED', 'Tuning was aborted.', { cause: signal.reason })
}

const mostRounds = 5
/** A choice that gains less than a twentieth is noise, and not worth other bits. */
const worthwhile = 0.95
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

function everyKernel(weight: Tensor): LinearCandidate[] {
  const problem = problemOf(weight, fewRows + 1)
  return linearCandidates
    .filter((name) => takesLinear(name, problem, weight.device.capabilities))
    .map((name) => ({ name, run: (x: Tensor, w: Tensor) => linear(x, w, { kernel: name }) }))
}

/** What is used without tuning: of `tiled`, the tile that it comes to. */
function standardOf(weight: Tensor, rows: number, candidates: readonly LinearCandidate[]): LinearKernelName {
  const problem = problemOf(weight, Math.max(rows, fewRows + 1))
  const kernel = linearKernelFor(problem, weight.device.capabilities)
  const name = kernel === 'tiled' ? linearTile : kernel
  return candidates.some((one) => one.name === name) ? name : candidates[0]!.name
}

const problemOf = (weight: Tensor, m: number) => ({ ...describe(weight), m, inSpans: isInSpans(weight.dtype) })

const countDifferences = defineKernel({ name: 'differences', source: differencesSource })

/** How many elements of a result differ from another's. */
async function differences(reference: Tensor, y: Tensor, typical: number): Promise<number> {
  const { device } = y
  using counts = device.empty([4096], 'u32')
  device.run(countDifferences, {
    bindings: { a: reference, b: y, counts },
    params: { size: y.size, absolute: tolerance * typical, relative: tolerance },
    workgroups: [64],
  })
  const all: Iterable<number> = await counts.data()
  let sum = 0
  for (const count of all) sum += count
  return sum
}

/**
 * Of typical results: f32 sums of some thousand products are off by a hundredth of this, and one product that is missing or twice
 * there is a hundred times as much.
 */
const tolerance = 1e-4

/** Some places of x · weightᵀ in float64: the edges, and others. */
async function sampled(x: Float32Array, weight: Tensor, rows: number) {
  const { device } = weight
  const { n, k } = describe(weight)
  const places = (count: number, stream: number) =>
    Uint32Array.from({ length: 16 }, (_, i) =>
      i === 0 ? 0 : i === 1 ? count - 1 : Math.floor(count * uniform01(stream, i)),
    )
  const [at, columns] = [places(rows, 11), places(n, 12)]
  using ids = device.tensor(columns)
  using chosen = embedding(weight, ids)
  const w = await chosen.data()
  const wanted = Array.from(at, (row) =>
    Array.from(columns, (_, c) => {
      let sum = 0
      for (let i = 0; i < k; i++) sum += x[row * k + i]! * w[c * k + i]!
      return sum
    }),
  )
  const all = wanted.flat()
  const typical = Math.sqrt(all.reduce((sum, value) => sum + value * value, 0) / all.length) || 1
  return {
    typical,
    async agree(y: Tensor): Promise<boolean> {
      using rowsOfY = device.scope(() => embedding(y, device.tensor(at)))
      const values = await rowsOfY.data()
      return wanted.every((row, r) =>
        row.every((value, c) => {
          const difference = Math.abs(values[r * n + columns[c]!]! - value)
          return difference <= tolerance * (typical + Math.abs(value))
        }),
      )
    },
  }
}
