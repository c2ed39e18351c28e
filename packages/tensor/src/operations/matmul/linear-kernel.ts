import { isFormat } from '../../dtype'
import { ShapeError } from '../../errors'
import { blockOperands } from '../../formats/blocks'
import type { FormatName } from '../../formats/index'
import { generatedKernel, type Kernel, linearWorkgroups } from '../../kernel/index'
import type { Tensor } from '../../tensor'
import { defaultEpsilon, type RmsNorm } from '../normalize/rms-norm'
import type { GateActivation } from '../pointwise/gated'
import { rowReductionFor } from '../reduce/row-reduction'
import { dotSource } from './dot-source'
import { inverseRms } from './inverse-rms'
import type { LinearForm } from './linear-frame'
import { type MatricesLinearShape, matricesLinearSource } from './matrices-linear-source'
import { matricesSubgroups } from './matrices-source'
import type { MatmulPlan } from './select'
import { type SkinnyShape, skinnySource } from './skinny-source'
import { spanSize, spansSource } from './spans-source'
import { subgroupsLinearSource } from './subgroups-linear-source'
import { tiledLinearSource } from './tiled-linear-source'

/** Operands of a linear layer: c = a · bᵀ and what is asked for on the way. Of f32; a and c may be f16 where the device has
 * `shader-f16`. Shapes: linear-frame.ts. */
export interface LinearOperands {
  a: Tensor
  b: Tensor
  c: Tensor
  norm?: RmsNorm | undefined
  bias?: Tensor | undefined
  residual?: Tensor | undefined
  /** In slabs of as many rows as those of b. */
  up?: Tensor | undefined
  /** What gates, of a layer with `up`. Default silu. */
  activation?: GateActivation | undefined
}

/** Runs a kernel of such a layer for every slab of the weights. Those of tiles in workgroup memory take no `up`. */
export function runLinear(
  { kernel: name, rows, columns, lanes, reach = lanes, buffers = 1, unit }: MatmulPlan,
  { a, b, c, norm, bias, residual, up, activation = 'silu' }: LinearOperands,
): void {
  const { device } = a
  const [n, k] = b.shape as [number, number]
  const m = a.size / k
  const format = isFormat(b.dtype) ? { b: b.dtype, up: up?.dtype as FormatName | undefined } : undefined
  if (format && k % 8 !== 0)
    throw new ShapeError('linear', [a.shape, b.shape], `rows of weights of ${b.dtype} must be multiples of 8`)
  const vectorSize = format ? 8 : k % 4 === 0 ? 4 : 1
  const dot = name === 'dot'
  const form: LinearForm = {
    rows,
    columns,
    vectorSize,
    format,
    normed: norm !== undefined,
    offset: norm?.offset ?? 0,
    biased: bias !== undefined,
    epilogue: up ? activation : residual ? 'residual' : 'none',
  }
  const tiled = name === 'tiled' || name === 'matrices'
  const kernel = dot
    ? dotKernel(form)
    : tiled
      ? unit
        ? matricesKernel(form, { unit, lanes: lanes / matricesSubgroups })
        : tiledKernel(form, buffers)
      : name === 'skinny'
        ? skinnyKernel(form, { lanes, reach })
        : name === 'spans'
          ? spansKernel(form, lanes)
          : subgroupsKernel(form, lanes)
  const forms = dot ? [rowReductionFor(k / vectorSize, device.capabilities)] : []
  const tileColumns = dot || tiled || name === 'skinny' ? columns : columns * lanes
  const steps = k / (name === 'spans' ? spanSize : tiled ? 4 : vectorSize)
  const weights = (name: 'b' | 'up', slab: Tensor) =>
    format ? blockOperands(name, slab, format[name]!) : { bindings: { [name]: slab }, params: {} }
  // Of rows that are not normalised the ε is there for those of zeros alone.
  const scales = unit && inverseRms(a, norm ? (norm.epsilon ?? defaultEpsilon) : 1e-30)
  let first = 0
  for (const [i, slab] of b.slabs.entries()) {
    const slabRows = slab.shape[0]!
    const tilesAcross = Math.ceil(slabRows / tileColumns)
    const tiles = tilesAcross * Math.ceil(m / rows)
    const operands = weights('b', slab)
    const others = up ? weights('up', up.slabs[i]!) : undefined
    device.run(kernel, {
      forms,
      bindings: {
        a,
        c,
        ...operands.bindings,
        ...others?.bindings,
        ...(norm && { gain: norm.weight }),
        ...(bias && { bias }),
        ...(residual && { residual }),
        ...(scales && { scales }),
      },
      params: {
        m,
        n: slabRows,
        k: steps,
        first,
        columns: n,
        tilesAcross,
        tiles,
        ...(norm && { epsilon: norm.epsilon ?? defaultEpsilon }),
        ...operands.params,
        ...others?.params,
      },
      workgroups: linearWorkgroups(tiles),
    })
    first += slabRows
  }
  scales?.dispose()
}

const dotKernel = (form: LinearForm): Kernel =>
  generatedKernel(`matmulDot${form.rows}x${form.columns}-${nameOf(form)}`, () => dotSource(form))

const tiledKernel = (form: LinearForm, buffers: 1 | 2): Kernel =>
  generatedKernel(`linearTiled${form.rows}x${form.columns}x${buffers}-${nameOf(form)}`, () =>
    tiledLinearSource(form, { buffers }),
  )

const matricesKernel = (form: LinearForm, shape: MatricesLinearShape): Kernel => {
  const { component, m, n, k, layout } = shape.unit
  const name = [shape.lanes, component, m, n, k, layout].join('x')
  return generatedKernel(`linearMatrices${name}-${nameOf(form)}`, () => matricesLinearSource(form, shape))
}

const skinnyKernel = (form: LinearForm, shape: SkinnyShape): Kernel =>
  generatedKernel(`linearSkinny${form.rows}x${form.columns}x${shape.lanes}by${shape.reach}-${nameOf(form)}`, () =>
    skinnySource(form, shape),
  )

const subgroupsKernel = (form: LinearForm, lanes: number): Kernel =>
  generatedKernel(`linearSubgroups${form.rows}x${form.columns}x${lanes}-${nameOf(form)}`, () =>
    subgroupsLinearSource(form, lanes),
  )

const spansKernel = (form: LinearForm, lanes: number): Kernel =>
  generatedKernel(`linearSpans${form.rows}x${form.columns}x${lanes}-${nameOf(form)}`, () => spansSource(form, lanes))

function nameOf({ vectorSize, format, normed, offset, biased, epilogue }: LinearForm): string {
  const weights = format ? `${format.b}${format.up && format.up !== format.b ? `+${format.up}` : ''}` : `x${vectorSize}`
  return `${weights}${normed ? 'Normed' : ''}${offset === 0 ? '' : offset}${biased ? 'Biased' : ''}${epilogue === 'none' ? '' : `-${epilogue}`}`
}
