import { hasOneSubgroupSize, isOnCpu, type Subgroups } from '../../device/capabilities'
import type { MatrixUnit } from '../../device/matrix-units'
import { OutriderError } from '../../errors'
import { type MatrixUnits, matricesLinearPlan, matricesLinearProducts } from './matrices-plan'
import { matricesSubgroups, takesUnit } from './matrices-source'
import { fewRows, skinnyPlan, takesSkinny } from './skinny-plan'
import {
  holdsLinearTile,
  isTileName,
  type TileName,
  type TileShape,
  tileLanes,
  tileShapes,
  type WorkgroupLimits,
} from './tile-shapes'

/**
 * The generations of matmul kernels, by name. `plain` takes any form and is what the others are compared with. `tiled` is the tile
 * that the shape chooses; of the others of its kind each has a name. `matrices` is for devices whose subgroups multiply matrices.
 */
export type MatmulKernelName = 'plain' | 'dot' | 'outer' | 'subgroups' | 'tiled' | 'matrices' | MatmulTileName

/** The tiles that `matmul` has: an invocation has vectors of four of either side. */
export type MatmulTileName = Exclude<TileName, 'tiled32x64'>

/** The kernels without those tiles that have names of their own: what a plan says. */
type KernelKind = Exclude<MatmulKernelName, TileName>

/**
 * A kernel and its tile: an invocation, or for `dot`, `tiled` and `matrices` a workgroup, computes rows × columns elements; of `subgroups`
 * columns are vectors of four.
 */
export interface MatmulPlan {
  readonly kernel: KernelKind | 'spans' | 'skinny'
  readonly rows: number
  readonly columns: number
  /** Invocations a workgroup; `dot` takes its own from the row reduction. */
  readonly lanes: number
  /** Of `tiled`: how many tiles of the operands are in workgroup memory. Default 1. */
  readonly buffers?: 1 | 2 | undefined
  /** Of `matrices`. */
  readonly unit?: MatrixUnit | undefined
  /** Of `skinny`: neighbours that are of one subgroup. */
  readonly reach?: number | undefined
}

export interface MatmulProblem {
  readonly m: number
  readonly n: number
  readonly k: number
  readonly transposeA: boolean
  readonly transposeB: boolean
  /** Whether both operands are f16. Default: they are not. */
  readonly halves?: boolean | undefined
}

/**
 * Which kernel multiplies: a pure function of the problem and of what the device can do. On a CPU's vectors loads are what
 * costs, and `subgroups` has the fewest; on a GPU tiles in workgroup memory are fastest, and of f16 those of matrix units. Which kernel takes x · wᵀ does not
 * depend on the number of rows.
 */
export function selectMatmul(problem: MatmulProblem, capabilities: Subgroups & MatrixUnits): MatmulPlan {
  const { transposeA, transposeB, halves } = problem
  if (transposeA && transposeB) return { kernel: 'plain', rows: 1, columns: 1, lanes: 64 }
  if (isOnCpu(capabilities) && takesSubgroups(problem, capabilities)) return subgroupsPlan(problem, capabilities)
  const matrices = halves && matricesPlan(problem, capabilities)
  if (matrices && matrices.unit?.component === 'f16') return matrices
  if (!isOnCpu(capabilities) && takesTiled(problem)) return tiledPlan(problem)
  return transposeB ? dotPlan(problem, capabilities) : outerPlan(problem, capabilities)
}

/** Whether a kernel takes the form of a product here. */
export function takesMatmul(
  name: MatmulKernelName,
  problem: MatmulProblem,
  capabilities: Subgroups & WorkgroupLimits & MatrixUnits,
): boolean {
  const { transposeA, transposeB } = problem
  switch (name) {
    case 'plain':
      return true
    case 'dot':
      return transposeB && !transposeA
    case 'outer':
      return !transposeB
    case 'subgroups':
      return takesSubgroups(problem, capabilities)
    case 'matrices':
      return matricesPlan(problem, capabilities) !== undefined
    default: {
      // x · wᵀ of columns that are no fours has the tiles of `linear`.
      const asLinear = transposeB && problem.n % 4 !== 0
      return takesTiled(problem) && !(asLinear && isTileName(name) && !holdsLinearTile(name, capabilities))
    }
  }
}

/** What a plan is called: of a tile, its own name. */
export function tileNameOf({ kernel, rows, columns, buffers = 1 }: MatmulPlan): MatmulKernelName {
  if (kernel !== 'tiled') return kernel as MatmulKernelName
  const names = Object.keys(tileShapes) as TileName[]
  const named = (name: TileName) => {
    const shape = tileShapes[name]
    return shape.rows === rows && shape.columns === columns && shape.buffers === buffers
  }
  return names.find(named) as MatmulTileName
}

/**
 * Up to 8 rows are one tile, so that weights are read once for all of them; of 1, 2, 4 or 8, for every height is a kernel to
 * compile.
 */
export function dotPlan({ m, n }: Pick<MatmulProblem, 'm' | 'n'>, capabilities: Subgroups): MatmulPlan {
  const cpu = isOnCpu(capabilities)
  const rows = m <= 2 ? m : m <= 4 || (m > 16 && !cpu) ? 4 : 8
  const columns = rows <= 2 ? 16 : rows <= 4 ? 12 : 8
  return { kernel: 'dot', rows, columns: Math.min(cpu ? columns : 4, n), lanes: 0 }
}

export function outerPlan({ m, n }: MatmulProblem, capabilities: Subgroups): MatmulPlan {
  const cpu = isOnCpu(capabilities)
  const lanes = cpu ? capabilities.subgroupMaxSize : 32
  const side = cpu ? 8 : 4
  return { kernel: 'outer', rows: Math.min(side, m), columns: Math.min(side, Math.ceil(n / lanes)), lanes }
}

/** Whether the kernel `subgroups` can: whole vectors, and subgroups of one size. */
export const takesSubgroups = ({ m, n, k, transposeA, transposeB }: MatmulProblem, capabilities: Subgroups): boolean =>
  hasOneSubgroupSize(capabilities) &&
  k % 4 === 0 &&
  (transposeB ? !transposeA : n % 4 === 0) &&
  (!transposeA || m % 4 === 0)

/**
 * Whether the kernel `tiled` can: vectors of four along whatever is neighbouring in memory. Of x · wᵀ with any number of columns
 * there is a kernel that has the vectors along k in workgroup memory, too (tiled-linear-source.ts).
 */
export const takesTiled = ({ m, n, k, transposeA, transposeB }: MatmulProblem): boolean =>
  (transposeB || n % 4 === 0) && (transposeA ? m % 4 === 0 && !transposeB : k % 4 === 0)

/**
 * Large tiles have less to load for a product, small ones keep more of the device busy. The sums are in one order in both, yet a
 * driver is free in what it makes of `fma`, so of x · wᵀ the number of rows has no say.
 */
export function tiledPlan({ m, n, transposeB }: Pick<MatmulProblem, 'm' | 'n' | 'transposeB'>): MatmulPlan {
  const large = transposeB ? n >= 1024 : Math.ceil(m / 128) * Math.ceil(n / 128) >= busyWorkgroups / 2
  const side = large ? 128 : 64
  return { kernel: 'tiled', rows: side, columns: side, lanes: tileLanes }
}

/**
 * The plan of the kernel `matrices`; undefined where it cannot: it wants vectors of four along whatever is neighbouring in memory,
 * subgroups of one size, and units that lose nothing of the operands and of which tiles are whole. Of these the largest.
 */
export function matricesPlan(
  problem: MatmulProblem,
  capabilities: Subgroups & MatrixUnits,
): (MatmulPlan & { rows: 64 | 128; unit: MatrixUnit }) | undefined {
  const { n, transposeA, transposeB, halves } = problem
  if (!takesTiled(problem) || n % 4 !== 0 || (transposeA && transposeB) || !hasOneSubgroupSize(capabilities)) return
  const side = tiledPlan(problem).rows as 64 | 128
  const size = ({ component, m, n, k }: MatrixUnit) => (component === 'f16' ? 2 ** 32 : 0) + m * n * k
  const [unit] = (capabilities.matrixUnits ?? [])
    .filter((unit) => (halves || unit.component === 'f32') && takesUnit(side, unit))
    .sort((a, b) => size(b) - size(a))
  if (!unit) return
  const lanes = matricesSubgroups * capabilities.subgroupMaxSize
  return { kernel: 'matrices', rows: side, columns: side, lanes, unit }
}

/** The plan of a tile that has a name. */
export const namedTilePlan = (name: TileName): MatmulPlan => ({
  ...(tileShapes[name] as TileShape),
  kernel: 'tiled',
  lanes: tileLanes,
})

/**
 * Split-K: into how many splits the sums over k are cut, each a workgroup's, where an output of few tiles would leave most of
 * the device idle; as weight gradients of narrow layers are. The splits are added up in order. Never with transposeB, where a
 * row's bits must not depend on the rows beside it; and not on a CPU, whose few cores one tile or two keep busy.
 */
export function selectSplits(
  { m, n, k, transposeB }: MatmulProblem,
  plan: MatmulPlan,
  capabilities: Subgroups,
): number {
  if (transposeB || isOnCpu(capabilities) || plan.kernel === 'plain' || plan.kernel === 'dot') return 1
  const tileColumns =
    plan.kernel === 'tiled' || plan.kernel === 'matrices'
      ? plan.columns
      : plan.columns * plan.lanes * (plan.kernel === 'subgroups' ? 4 : 1)
  const tiles = Math.ceil(m / plan.rows) * Math.ceil(n / tileColumns)
  return Math.max(1, Math.min(Math.floor(busyWorkgroups / tiles), Math.floor(k / leastSteps)))
}

/** Workgroups that keep a GPU busy, and steps of k that are worth one. */
const busyWorkgroups = 256
const leastSteps = 128

export function subgroupsPlan({ m, n, transposeB }: MatmulProblem, { subgroupMaxSize: lanes }: Subgroups): MatmulPlan {
  // Subgroups of 8 (AVX) are fastest with the narrowest tiles: there one of 16 rows just fits into the registers. Those of 4 (SSE,
  // NEON) are with the widest that compile in a moment; of x · wᵀ one of 8 rows and 4 columns is no slower than the next wider
  // ones, and compiled in a third of their time (SwiftShader, 2026-11-28).
  const small = lanes <= 4 && transposeB
  const widest = lanes > 4 || small ? 1 : 4
  // Few widths, for each is a kernel to compile; tiles side by side are as equal as these allow.
  const wanted = Math.ceil(n / (4 * lanes))
  const quads = Math.ceil(wanted / Math.ceil(wanted / widest))
  return { kernel: 'subgroups', rows: m <= 8 || small ? 8 : 16, columns: transposeB ? 4 * quads : quads, lanes }
}

/**
 * The kernels of a linear layer. `skinny` is for few rows on GPUs with subgroups. `tiled` is for many rows: the tile that is used where
 * none is named; and `matrices`, where subgroups multiply matrices.
 */
export type LinearKernelName = 'dot' | 'skinny' | 'subgroups' | 'spans' | 'tiled' | 'matrices' | LinearTileName

/** The tiles that `linear` has. */
export type LinearTileName = Exclude<TileName, 'tiled128x128' | 'tiled128x128x2'>

export interface LinearProblem extends Pick<MatmulProblem, 'm' | 'n' | 'k'> {
  /** Whether all weights are of formats that are read by spans (`Format`). */
  readonly inSpans?: boolean
  /** Whether weights are of formats, and so unpacked for each tile. */
  readonly packed?: boolean
  /** Whether `fitsHalves` says so of them. */
  readonly halves?: boolean
  /** The most rows that belong to one sequence. Default all. */
  readonly sequenceRows?: number | undefined
}

/** Whether a pass is over many rows of a sequence; of a batch that decodes it is not, however many sequences there are. */
export const isOfMany = ({ m, sequenceRows = m }: Pick<LinearProblem, 'm' | 'sequenceRows'>): boolean =>
  Math.min(m, sequenceRows) > fewRows

/** Whether a kernel of linear layers can. */
export function takesLinear(
  name: LinearKernelName,
  { m, n, k, inSpans = false }: LinearProblem,
  capabilities: Subgroups & WorkgroupLimits & MatrixUnits,
): boolean {
  if (name === 'dot') return true
  if (name === 'skinny') return takesSkinny(capabilities)
  if (name === 'tiled') return k % 4 === 0
  if (name === 'matrices') return matricesLinearPlan({ k }, capabilities) !== undefined
  if (isTileName(name)) return k % 4 === 0 && holdsLinearTile(name, capabilities)
  const subgroups = takesSubgroups({ m, n, k, transposeA: false, transposeB: true }, capabilities)
  return subgroups && (name === 'subgroups' || (inSpans && isOnCpu(capabilities)))
}

/**
 * Which kernel takes x · wᵀ + …: a matter of the weights and of the device alone, so that a row's bits are the same whatever rows
 * are beside it. On a GPU passes of more than 16 rows of a sequence are computed by tiles, whose sums are in another order than
 * those of fewer rows: among each other both have this.
 */
export function linearKernelFor(
  problem: LinearProblem,
  capabilities: Subgroups & WorkgroupLimits & MatrixUnits,
): LinearKernelName {
  const takes = (name: LinearKernelName) => takesLinear(name, problem, capabilities)
  if (!isOnCpu(capabilities)) {
    if (isOfMany(problem) && matricesGain(problem, capabilities)) return 'matrices'
    if (isOfMany(problem) && takes('tiled')) return 'tiled'
    return takes('skinny') ? 'skinny' : 'dot'
  }
  // Subgroups of 4 gain from spans with one row alone, and lose with more (SwiftShader, 2026-11-27).
  if (capabilities.subgroupMaxSize > 4 && takes('spans')) return 'spans'
  return takes('subgroups') ? 'subgroups' : 'dot'
}

/**
 * Whether matrix units are worth it wherever there are any. With sums of f32 some do no more than twice what their GPU does without
 * them (GeForce RTX 40), so where they take a product three times it is for tuning to find out.
 */
function matricesGain(problem: LinearProblem, capabilities: Subgroups & MatrixUnits): boolean {
  const plan = matricesLinearPlan(problem, capabilities)
  return plan !== undefined && matricesLinearProducts(plan.unit, problem.halves ? 'f16' : undefined) <= 2
}

/**
 * The kernel and its tile.
 *
 * @param forced  the kernel to use, for comparison
 * @param tuned   the kernel that was found fastest for more than 16 rows of a sequence; where this problem is not one for it, it has no say
 * @throws OutriderError INVALID_ARGUMENT for a forced one that cannot
 */
export function selectLinear(
  problem: LinearProblem,
  capabilities: Subgroups & WorkgroupLimits & MatrixUnits,
  forced?: LinearKernelName,
  tuned?: LinearKernelName,
): MatmulPlan {
  const { m, n } = problem
  if (forced && !takesLinear(forced, problem, capabilities))
    throw new OutriderError('INVALID_ARGUMENT', `linear: kernel ${forced} does not take this form here.`)
  const found = tuned && isOfMany(problem) && takesLinear(tuned, problem, capabilities) ? tuned : undefined
  const kernel = forced ?? found ?? linearKernelFor(problem, capabilities)
  switch (kernel) {
    case 'dot':
      return dotPlan({ m, n }, capabilities)
    case 'skinny':
      return skinnyPlan(problem, capabilities)
    case 'subgroups':
      return subgroupsLinearPlan(problem, capabilities)
    case 'spans':
      return spansPlan({ m, n }, capabilities)
    case 'tiled':
      return namedTilePlan(linearTile)
    case 'matrices':
      return matricesLinearPlan(problem, capabilities)!
    default:
      return namedTilePlan(kernel)
  }
}

/**
 * The tile of linear layers where none is forced or tuned: one for all numbers of rows and columns, for each is a kernel to compile,
 * and whoever warms a model up compiles it by 17 rows.
 */
export const linearTile: LinearTileName = 'tiled64x64'

/** Tiles of 1, 2, 4, 8 or 16 rows, so that weights are read once for all; for every height is a kernel to compile. */
function subgroupsLinearPlan({ m, n, k, packed }: LinearProblem, { subgroupMaxSize: lanes }: Subgroups): MatmulPlan {
  const [highest, widest] = largestLinearTile(n * k, packed, lanes)
  const rows = Math.min(highest, 2 ** Math.ceil(Math.log2(m)))
  return { kernel: 'subgroups', rows, columns: Math.min(widest, Math.ceil(n / lanes)), lanes }
}

/**
 * Rows and columns of the largest tile of so many weights (SwiftShader and lavapipe, 2026-11-24 and -28: `npm run bench -- linear`).
 * With subgroups of 4 few sums fit into the registers: weights of f32 are fastest by 8 rows. Those that are unpacked are by 16,
 * which take half a second to compile, four times as long as 8 × 4, with which few weights lose a tenth of a millisecond.
 */
function largestLinearTile(weights: number, packed = false, lanes: number): readonly [rows: number, columns: number] {
  if (lanes > 4) return [16, 4]
  if (!packed) return [8, 6]
  return weights > fewWeights ? [16, 8] : [8, 4]
}

const fewWeights = 2 ** 15

/** The same, and of 6 rows: a pass over a short draft. */
function spansPlan({ m, n }: Pick<MatmulProblem, 'm' | 'n'>, { subgroupMaxSize: lanes }: Subgroups): MatmulPlan {
  const rows = [1, 2, 4, 6, 8].find((height) => m <= height) ?? 16
  const widest = lanes > 4 ? (rows === 1 ? 3 : 4) : 8 // `npm run bench -- linear --processor-time`
  return { kernel: 'spans', rows, columns: Math.min(widest, Math.ceil(n / lanes)), lanes }
}
