import { fitsHalves, isInSpans } from '../dtype'
import { OutriderError } from '../errors'
import { embedding } from '../operations/embedding/embedding'
import { linear } from '../operations/matmul/linear'
import { type LinearKernelName, linearKernelFor, linearTile, takesLinear } from '../operations/matmul/select'
import { fewRows } from '../operations/matmul/skinny-plan'
import { uniform01 } from '../random/philox'
import type { Tensor } from '../tensor'
import { samplePlaces, samplesOf } from './agreement'
import { choiceKey, linearCandidates } from './kernel-choices'
import { rowsToTime, type TuneOptions, type TuneProblem, type Tuning, tune } from './tune'

/** A kernel that may compute x · weightᵀ. */
export interface LinearCandidate {
  readonly name: LinearKernelName
  readonly run: (x: Tensor, weight: Tensor) => Tensor
}

export interface TuneLinearOptions extends TuneOptions {
  /** Default: all kernels of `linear` that take the form here. */
  candidatesFor?: ((weight: Tensor) => readonly LinearCandidate[]) | undefined
}

/**
 * Times the kernels of linear layers of many rows on this device, by the weights themselves (`tune`).
 *
 * @param weights  of each shape and format the first is timed
 * @throws OutriderError ABORTED; INVALID_ARGUMENT for a budget or rows that are none; KERNEL where every kernel is wrong
 */
export async function tuneLinear(weights: readonly Tensor[], options: TuneLinearOptions = {}): Promise<Tuning> {
  return tune(linearProblems(weights, options), options)
}

/** What is to be chosen for linear layers of many rows. @throws OutriderError INVALID_ARGUMENT for rows that are none */
export function linearProblems(
  weights: readonly Tensor[],
  { rows, candidatesFor = everyKernel }: Pick<TuneLinearOptions, 'rows' | 'candidatesFor'> = {},
): TuneProblem[] {
  const problems = new Map<string, TuneProblem>()
  for (const weight of weights) {
    const key = choiceKey(describe(weight))
    if (!problems.has(key)) problems.set(key, problemOf(key, weight, rowsToTime(weight.device, rows), candidatesFor))
  }
  return [...problems.values()]
}

function problemOf(
  key: string,
  weight: Tensor,
  rows: number,
  candidatesFor: (weight: Tensor) => readonly LinearCandidate[],
): TuneProblem {
  const { device } = weight
  const { k } = describe(weight)
  return {
    key,
    rows,
    device,
    async use(body) {
      const host = Float32Array.from({ length: rows * k }, (_, i) => 2 * uniform01(7, i) - 1)
      using x = device.tensor(host, { shape: [rows, k] })
      const candidates = candidatesFor(weight)
      return await body({
        standard: standardOf(weight, rows, candidates),
        candidates: candidates.map(({ name, run }) => ({ name, run: () => run(x, weight) })),
        samples: await sampled(host, weight, rows),
      })
    },
  }
}

const describe = ({ shape, dtype }: Tensor) => ({ n: shape[0]!, k: shape[1]!, dtype })

function everyKernel(weight: Tensor): LinearCandidate[] {
  const problem = formOf(weight, fewRows + 1)
  return linearCandidates
    .filter((name) => takesLinear(name, problem, weight.device.capabilities))
    .map((name) => ({ name, run: (x: Tensor, w: Tensor) => linear(x, w, { kernel: name }) }))
}

/** What is used without tuning: of `tiled`, the tile that it comes to. */
function standardOf(weight: Tensor, rows: number, candidates: readonly LinearCandidate[]): LinearKernelName {
  const [first] = candidates
  if (!first) throw new OutriderError('INVALID_ARGUMENT', 'tuning: there is no kernel to time.')
  const kernel = linearKernelFor(formOf(weight, Math.max(rows, fewRows + 1)), weight.device.capabilities)
  const name = kernel === 'tiled' ? linearTile : kernel
  return candidates.some((one) => one.name === name) ? name : first.name
}

const formOf = (weight: Tensor, m: number) => ({
  ...describe(weight),
  m,
  inSpans: isInSpans(weight.dtype),
  halves: fitsHalves(weight.dtype),
})

async function sampled(x: Float32Array, weight: Tensor, rows: number) {
  const { device } = weight
  const { n, k } = describe(weight)
  const [at, columns] = [samplePlaces(rows, 11), samplePlaces(n, 12)]
  using ids = device.tensor(columns)
  using chosen = embedding(weight, ids)
  const w = await chosen.data()
  return samplesOf(at, columns, (r, c) => {
    let sum = 0
    for (let i = 0; i < k; i++) sum += x[at[r]! * k + i]! * w[c * k + i]!
    return sum
  })
}
