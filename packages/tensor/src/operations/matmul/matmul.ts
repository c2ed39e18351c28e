import { differentiable } from '../../autograd/tape'
import type { Device } from '../../device/device'
import { OutriderError, ShapeError } from '../../errors'
import {
  assertElements,
  defineKernel,
  elements,
  generatedKernel,
  type Kernel,
  linearWorkgroups,
} from '../../kernel/index'
import type { Tensor } from '../../tensor'
import { addSplits } from '../reduce/reduce'
import { runLinear } from './linear-kernel'
import { type MatricesForm, matricesSource, matricesSubgroups } from './matrices-source'
import { outerSource } from './outer-source'
import plainSource from './plain.wgsl'
import {
  dotPlan,
  type MatmulKernelName,
  type MatmulPlan,
  type MatmulProblem,
  matricesPlan,
  namedTilePlan,
  outerPlan,
  selectMatmul,
  selectSplits,
  subgroupsPlan,
  takesMatmul,
  tiledPlan,
} from './select'
import { type SubgroupsForm, subgroupsSource } from './subgroups-source'
import { isTileName } from './tile-shapes'
import { type TiledForm, tiledSource } from './tiled-source'

export interface MatmulOptions {
  /** Read a as its transpose. */
  transposeA?: boolean
  /** Read b as its transpose: b is then [n, k], as weights of linear layers are. */
  transposeB?: boolean
  /** Of the result. Default f16 where a and b are both f16, else f32. */
  dtype?: 'f32' | 'f16' | undefined
  /** Use this kernel, for comparison; by default the shapes and the device decide. */
  kernel?: MatmulKernelName | undefined
  /** Cut the sums over k into so many splits (split-K), for comparison; by default the shapes and the device decide. */
  splits?: number | undefined
}

/**
 * op(a) · op(b), accumulated in f32. Leading axes of a are rows, unless a is transposed. With transposeB the order in which
 * an element's products are added does not depend on the number of rows: a row has the same bits in any batch. The gradient in
 * a has a's dtype; that in b, a sum over all rows, is f32.
 *
 * @param a  f32 or, where the device has `shader-f16`, f16 [..., m, k], or [k, m] with transposeA
 * @param b  f32 or f16 [k, n], or [n, k] with transposeB
 * @returns f32 or f16 [..., m, n]
 */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  const { transposeA = false, transposeB = false } = options
  const problem = matmulProblem(a, b, transposeA, transposeB)
  assertElements('matmul', [a, b], a.device.capabilities.shaderF16)
  const { m, n } = problem
  const dtype = options.dtype ?? (a.dtype === 'f16' && b.dtype === 'f16' ? 'f16' : 'f32')
  const c = a.device.empty(transposeA ? [m, n] : [...a.shape.slice(0, -1), n], dtype)
  multiplyInto(a, b, c, problem, options)
  return differentiable(c, {
    name: 'matmul',
    inputs: [a, b],
    gradient: (dc) => [
      () => gradientA(dc, a, b, transposeA, transposeB),
      () => gradientB(dc, a, b, transposeA, transposeB),
    ],
  })
}

function matmulProblem(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): MatmulProblem {
  const columns = a.shape.at(-1) ?? 1
  const rows = a.size / columns
  const [m, k] = transposeA ? [columns, rows] : [rows, columns]
  const [n, bk] = transposeB ? [b.shape[0]!, b.shape[1]!] : [b.shape[1]!, b.shape[0]!]
  if (b.shape.length !== 2 || k !== bk || (transposeA && a.shape.length !== 2))
    throw new ShapeError('matmul', [a.shape, b.shape], 'the inner dimensions differ')
  return { m, n, k, transposeA, transposeB, halves: a.dtype === 'f16' && b.dtype === 'f16' }
}

function multiplyInto(
  a: Tensor,
  b: Tensor,
  c: Tensor,
  problem: MatmulProblem,
  { kernel: forced, splits: forcedSplits }: Pick<MatmulOptions, 'kernel' | 'splits'>,
): void {
  const { m, n, k, transposeA, transposeB } = problem
  const { device } = a
  if (forcedSplits !== undefined) checkSplits(forcedSplits, transposeB)
  const selected = selectMatmul(problem, device.capabilities)
  if (forced && !takesMatmul(forced, problem, device.capabilities))
    throw new OutriderError('INVALID_ARGUMENT', `matmul: kernel ${forced} does not take this form here.`)
  const name = forced ?? tunedFor(problem, a, b)
  const plan = name === undefined || name === selected.kernel ? selected : namedPlan(name, problem, selected, device)
  const asLinear = plan.kernel === 'dot' || (plan.kernel === 'tiled' && transposeB && n % 4 !== 0)
  // These read weights of f16 in eights.
  const odd = asLinear && b.dtype === 'f16' && k % 8 !== 0
  if (plan.kernel === 'plain' || odd) {
    const aStrides = transposeA ? { aRow: 1, aColumn: m } : { aRow: k, aColumn: 1 }
    const bStrides = transposeB ? { bRow: 1, bColumn: k } : { bRow: n, bColumn: 1 }
    device.run(plainKernel, {
      bindings: { a, b, c },
      params: { m, n, k, ...aStrides, ...bStrides },
      workgroups: [Math.ceil(n / 32), Math.ceil(m / 2)],
    })
    return
  }
  if (asLinear) {
    runLinear(plan, { a, b, c })
    return
  }
  const splits = c.dtype === 'f32' ? splitsOf(problem, plan, device, forcedSplits) : 1 // added up in f32
  const target = splits === 1 ? c : device.empty([splits, m, n])
  const span = Math.ceil(k / splits / 4) * 4
  const { kernel, access, tileColumns, params } = tileForm(plan, problem)
  const tilesAcross = Math.ceil(n / tileColumns)
  const tiles = tilesAcross * Math.ceil(m / plan.rows)
  device.run(kernel, {
    bindings: { a, b, c: target },
    params: { m, n: n / access.n, k, tilesAcross, tiles, splits, span, splitSize: (m * n) / access.c, ...params },
    workgroups: linearWorkgroups(tiles * splits),
  })
  if (splits === 1) return
  addSplits(target, c)
  target.dispose()
}

/** A kernel of tiles: what it writes at once, and counts along n; how many elements of n a tile has; its own parameters. */
function tileForm(
  { kernel, rows, columns, lanes, buffers = 1, unit }: MatmulPlan,
  { m, k, transposeA, transposeB }: MatmulProblem,
) {
  switch (kernel) {
    case 'matrices':
      return {
        kernel: matricesKernel({
          side: rows as MatricesForm['side'],
          lanes: lanes / matricesSubgroups,
          unit: unit!,
          transposeA,
          transposeB,
        }),
        access: { c: 4, n: 1 },
        tileColumns: columns,
        params: {},
      } as const
    case 'tiled':
      return {
        kernel: tiledKernel({ rows, columns, buffers, transposeA, transposeB }),
        access: { c: 4, n: 1 },
        tileColumns: columns,
        params: {},
      } as const
    case 'subgroups': {
      const ofC = transposeB ? 1 : 4
      return {
        kernel: subgroupsKernel({ rows, columns, lanes, transposeA, transposeB }),
        access: { c: ofC, n: ofC },
        tileColumns: columns * lanes * ofC,
        params: { m4: m / 4, k4: k / 4 },
      } as const
    }
    default: {
      const [aRow, aStep] = transposeA ? [1, m] : [k, 1]
      return {
        kernel: outerKernel({ rows, columns, lanes }),
        access: { c: 1, n: 1 },
        tileColumns: columns * lanes,
        params: { aRow, aStep },
      } as const
    }
  }
}

/** Forced splits are as many as k has fours, and as the form allows. */
function splitsOf(
  problem: MatmulProblem,
  plan: MatmulPlan,
  { capabilities }: Device,
  forced: number | undefined,
): number {
  return forced === undefined ? selectSplits(problem, plan, capabilities) : Math.min(forced, Math.ceil(problem.k / 4))
}

/** Whatever kernel is chosen, for which one that is is a matter of the device. */
function checkSplits(splits: number, transposeB: boolean): void {
  if (!(Number.isInteger(splits) && splits >= 1) || (splits > 1 && transposeB))
    throw new OutriderError('INVALID_ARGUMENT', `matmul: this form cannot be cut into ${splits} splits.`)
}

/** The kernel that tuning found, where it takes these rows, too. For both operands transposed there is but one. */
function tunedFor(problem: MatmulProblem, a: Tensor, b: Tensor): MatmulKernelName | undefined {
  if (problem.transposeA && problem.transposeB) return undefined
  const tuned = a.device.kernels.matmul(problem, a.dtype, b.dtype)
  return tuned && takesMatmul(tuned, problem, a.device.capabilities) ? tuned : undefined
}

/** A plan for a kernel that was not selected. */
function namedPlan(
  kernel: MatmulKernelName,
  problem: MatmulProblem,
  selected: MatmulPlan,
  { capabilities }: Device,
): MatmulPlan {
  if (isTileName(kernel)) return namedTilePlan(kernel)
  const plans = {
    plain: () => ({ ...selected, kernel }),
    dot: dotPlan,
    outer: outerPlan,
    subgroups: subgroupsPlan,
    tiled: tiledPlan,
    matrices: () => matricesPlan(problem, capabilities)!,
  }
  return plans[kernel](problem, capabilities)
}

const plainKernel = defineKernel({
  name: 'matmulPlain',
  source: plainSource,
  uses: [elements({ a: 1, b: 1, c: 1 })],
})

function subgroupsKernel(form: SubgroupsForm): Kernel {
  const { rows, columns, lanes, transposeA, transposeB } = form
  const name = `matmulSubgroups${rows}x${columns}x${lanes}${transposeA ? 'T' : 'N'}${transposeB ? 'T' : 'N'}`
  return generatedKernel(name, () => ({
    source: subgroupsSource(form),
    uses: [elements({ a: 4, b: 4, c: transposeB ? 1 : 4 })],
  }))
}

const tiledKernel = (form: TiledForm): Kernel =>
  generatedKernel(`matmulTiled${formName(form)}`, () => ({
    source: tiledSource(form),
    uses: [elements({ a: 4, b: 4, c: 4 })],
  }))

const matricesKernel = (form: MatricesForm): Kernel => {
  const { side, lanes, unit, transposeA, transposeB } = form
  const { component, m, n, k, layout } = unit
  const name = [side, lanes, component, m, n, k, layout, transposeA ? 'T' : 'N', transposeB ? 'T' : 'N'].join('x')
  return generatedKernel(`matmulMatrices${name}`, () => ({
    source: matricesSource(form),
    uses: [elements({ a: 4, b: 4, c: 4 })],
  }))
}

const formName = ({ rows, columns, buffers, transposeA, transposeB }: TiledForm) =>
  `${rows}x${columns}x${buffers}${transposeA ? 'T' : 'N'}${transposeB ? 'T' : 'N'}`

const outerKernel = ({ rows, columns, lanes }: Omit<MatmulPlan, 'kernel'>): Kernel =>
  generatedKernel(`matmulOuter${rows}x${columns}x${lanes}`, () => ({
    source: outerSource(rows, columns, lanes),
    uses: [elements({ a: 1, b: 1, c: 1 })],
  }))

/** c = op(a) op(b), so d op(a) = dc op(b)ᵀ. */
function gradientA(dc: Tensor, a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
  const dtype = a.dtype === 'f16' ? 'f16' : 'f32'
  const da = transposeA
    ? matmul(b, dc, { transposeA: transposeB, transposeB: true, dtype })
    : matmul(dc, b, { transposeB: !transposeB, dtype })
  return da.reshape(a.shape)
}

/** d op(b) = op(a)ᵀ dc. */
function gradientB(dc: Tensor, a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor {
  const rows = (x: Tensor) => x.reshape([x.size / x.shape.at(-1)!, x.shape.at(-1)!])
  const db = transposeB
    ? matmul(rows(dc), rows(a), { transposeA: true, transposeB: transposeA, dtype: 'f32' })
    : matmul(rows(a), rows(dc), { transposeA: !transposeA, dtype: 'f32' })
  return db.reshape(b.shape)
}
