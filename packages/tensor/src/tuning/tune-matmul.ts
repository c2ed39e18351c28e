import type { Device } from '../device/device'
import { floatToHalf, halfToFloat } from '../formats/half'
import { matmul } from '../operations/matmul/matmul'
import {
  type MatmulKernelName,
  type MatmulProblem,
  selectMatmul,
  takesMatmul,
  tileNameOf,
} from '../operations/matmul/select'
import { uniform01 } from '../random/philox'
import type { Tensor } from '../tensor'
import { samplePlaces, samplesOf } from './agreement'
import { type MatmulForm, matmulCandidates, matmulKey, productOf } from './kernel-choices'
import { rowsToTime, type TuneOptions, type TuneProblem, type Tuning, tune } from './tune'

/** A matrix of weights that is trained, [n, k]: y = x · wᵀ, dx = dy · w, dw = dyᵀ · x. */
export interface TrainedWeights {
  readonly n: number
  readonly k: number
  /** Of x and w. Default f32; f16 in mixed precision. */
  readonly dtype?: 'f32' | 'f16' | undefined
  /** Of dy. Default that of x; of the head f32, as its loss is. */
  readonly gradient?: 'f32' | 'f16' | undefined
}

/** A kernel that may compute op(a) · op(b). */
export interface MatmulCandidate {
  readonly name: MatmulKernelName
  readonly run: (a: Tensor, b: Tensor) => Tensor
}

export interface TuneMatmulOptions extends TuneOptions {
  /** Default: all kernels of `matmul` that take the form here. */
  candidatesFor?: ((problem: MatmulProblem) => readonly MatmulCandidate[]) | undefined
}

/**
 * Times the kernels of the products of training on this device, over random operands (`tune`).
 *
 * @param weights  the first of a shape and type counts
 * @throws OutriderError ABORTED; INVALID_ARGUMENT for a budget or rows that are none; KERNEL where every kernel is wrong
 */
export async function tuneMatmul(
  device: Device,
  weights: readonly TrainedWeights[],
  options: TuneMatmulOptions = {},
): Promise<Tuning> {
  return tune(matmulProblems(device, weights, options), options)
}

/** What is to be chosen for such products. @throws OutriderError INVALID_ARGUMENT for rows that are none */
export function matmulProblems(
  device: Device,
  weights: readonly TrainedWeights[],
  { rows: given, candidatesFor }: Pick<TuneMatmulOptions, 'rows' | 'candidatesFor'> = {},
): TuneProblem[] {
  const rows = rowsToTime(device, given)
  const problems = new Map<string, TuneProblem>()
  for (const weight of weights)
    for (const form of ['NT', 'NN', 'TN'] as const) {
      const problem = problemOf(device, weight, form, rows, candidatesFor)
      if (problem && !problems.has(problem.key)) problems.set(problem.key, problem)
    }
  return [...problems.values()]
}

/** Undefined where an operand is larger than what training can hold here. */
function problemOf(
  device: Device,
  { n, k, dtype = 'f32', gradient = dtype }: TrainedWeights,
  form: MatmulForm,
  rows: number,
  candidatesFor: TuneMatmulOptions['candidatesFor'],
): TuneProblem | undefined {
  const weight = { shape: [n, k], dtype, stream: 21 } as const
  const x = { shape: [rows, k], dtype, stream: 22 } as const
  const dy = { shape: [rows, n], dtype: gradient, stream: 23 } as const
  const first = form === 'NT' ? x : dy
  const second = form === 'TN' ? x : weight
  const halves = first.dtype === 'f16' && second.dtype === 'f16'
  const problem = productOf(form, { n, k, halves }, rows)
  if (4 * Math.max(n * k, rows * n, rows * k) > device.capabilities.maxBindingBytes) return undefined
  const { transposeA, transposeB } = problem
  return {
    key: matmulKey(problem, first.dtype, second.dtype),
    rows,
    device,
    async use(body) {
      const [left, right] = [madeUp(first), madeUp(second)]
      using a = device.tensor(left.stored, { shape: first.shape, dtype: first.dtype })
      using b = device.tensor(right.stored, { shape: second.shape, dtype: second.dtype })
      const candidates = candidatesFor?.(problem) ?? everyKernel(problem, device)
      const standard = tileNameOf(selectMatmul(problem, device.capabilities))
      const [at, columns] = [samplePlaces(problem.m, 11), samplePlaces(problem.n, 12)]
      return await body({
        standard: candidates.some(({ name }) => name === standard) ? standard : candidates[0]!.name,
        candidates: candidates.map(({ name, run }) => ({ name, run: () => run(a, b) })),
        samples: samplesOf(at, columns, (r, c) => {
          const [row, column] = [at[r]!, columns[c]!]
          let sum = 0
          for (let s = 0; s < problem.k; s++)
            sum +=
              left.value(transposeA ? s * problem.m + row : row * problem.k + s) *
              right.value(transposeB ? column * problem.k + s : s * problem.n + column)
          return sum
        }),
      })
    },
  }
}

const everyKernel = (problem: MatmulProblem, { capabilities }: Device): MatmulCandidate[] =>
  matmulCandidates
    .filter((name) => takesMatmul(name, problem, capabilities))
    .map((name) => ({ name, run: (a, b) => product(a, b, problem, name) }))

/** As training calls it, but that results are f32, so that they can be compared. */
const product = (
  a: Tensor,
  b: Tensor,
  { transposeA, transposeB }: MatmulProblem,
  kernel: MatmulKernelName | undefined,
): Tensor => matmul(a, b, { transposeA, transposeB, kernel, dtype: 'f32' })

/** A prime, so that no two rows of a matrix are the same. */
const period = 65_521

/** Numbers in [−1, 1), which repeat: a matrix of millions takes no longer than it takes to copy it. */
function madeUp({ shape, dtype, stream }: { shape: readonly [number, number]; dtype: 'f32' | 'f16'; stream: number }) {
  const size = shape[0] * shape[1]
  const some = Float32Array.from({ length: Math.min(period, size) }, (_, i) => 2 * uniform01(stream, i) - 1)
  const halves = dtype === 'f16' ? Uint16Array.from(some, floatToHalf) : undefined
  const values = halves ? Float32Array.from(halves, halfToFloat) : some
  const stored = repeated(halves ?? values, size)
  return { stored, value: (i: number): number => values[i % period]! }
}

function repeated(some: Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>, size: number) {
  const all = some instanceof Float32Array ? new Float32Array(size) : new Uint16Array(size)
  for (let at = 0; at < size; at += some.length) all.set(some.subarray(0, size - at), at)
  return all instanceof Float32Array ? all : new Uint8Array(all.buffer)
}
