import {
  add,
  cast,
  type Device,
  differentiable,
  divide,
  linear,
  matmul,
  maximum,
  multiply,
  slice,
  sum,
  type Tensor,
} from '@outrider/tensor'
import { isTracked, withoutGradients } from '@outrider/tensor/internal'
import type { DistillationResult, HeadInputs } from '../distillation-loss'
import { type Chunk, chunksOf } from './chunks'
import {
  lineOf,
  logitsGradient,
  pooledSums,
  type RowLossProgram,
  type RowStats,
  rowMeans,
  rowStats,
  rowsOfScope,
  rowValues,
  type ScopeSums,
  scopeSums,
} from './program'

/** Figures of rows, f32 [rows]. */
export interface RowFigures {
  losses: Tensor
  /** α = Σ min(p, q). */
  acceptanceRates?: Tensor
}

/** Logits that are held at a time, of one model. */
const chunkBytes = 2 ** 26

/** A row loss of hidden states: logits, loss and gradient chunk by chunk. */
export function ofHeads(program: RowLossProgram, inputs: HeadInputs): DistillationResult {
  const { draft, target, mask } = inputs
  const { device } = draft.hidden
  const wanted = { hidden: isTracked(draft.hidden), weight: isTracked(draft.weight) }
  const { result, gradients } = withoutGradients(device, () =>
    device.scope(() => {
      const { values, gradients } = pass(program, inputs, wanted)
      return { result: rowMeans(program.code, values, mask, target !== undefined), gradients }
    }),
  )
  /** What was computed for ∂/∂value = 1. It is rounded to f16 after this: a loss is scaled so that its gradients fit. */
  const scaled = (gradient: Tensor | undefined, dvalue: Tensor, { dtype }: Pick<Tensor, 'dtype'>) => {
    const product = multiply(gradient!, dvalue)
    if (dtype === 'f32') return product
    const rounded = cast(product, dtype)
    product.dispose()
    return rounded
  }
  differentiable(result.value, {
    name: program.values.name,
    inputs: [draft.hidden, draft.weight],
    saved: [gradients.hidden, gradients.weight].filter((gradient) => gradient !== undefined),
    gradient: (dvalue) => [
      () => scaled(gradients.hidden, dvalue, draft.hidden),
      () => scaled(gradients.weight, dvalue, { dtype: 'f32' }),
    ],
  })
  return result
}

/** The losses of rows, and α where there is a target. Not differentiable. */
export function rowsOfHeads(program: RowLossProgram, inputs: HeadInputs): RowFigures {
  const { device } = inputs.draft.hidden
  return withoutGradients(device, () =>
    device.scope(() => {
      const { values } = pass(program, inputs, { hidden: false, weight: false })
      return { losses: lineOf(values, 0), ...(inputs.target && { acceptanceRates: lineOf(values, 1) }) }
    }),
  )
}

/** The sums that all rows are to have pooled, f32 [1 + sums]: how many count, and the sums over them. Not differentiable. */
export function pooledSumsOfHeads(program: RowLossProgram, inputs: HeadInputs): Tensor {
  const { hidden } = inputs.draft
  const rows = hidden.shape[0]!
  const { device } = hidden
  return withoutGradients(device, () =>
    device.scope(() => {
      const { chunks } = chunksOf(rows, 1, chunkRowsOf(inputs))
      const stats = chunks.map((chunk) => device.scope(() => rowStats(program, logitsOf(inputs, chunk)).stats))
      return pooledSums(program, joined(device, stats, rows), inputs.mask)
    }),
  )
}

interface HeadGradients {
  hidden: Tensor | undefined // f32 [rows, width]
  weight: Tensor | undefined // f32 [vocabulary, width]
}

/** The values of all rows, and the gradients of their mean. */
function pass(
  program: RowLossProgram,
  inputs: HeadInputs,
  wanted: { hidden: boolean; weight: boolean },
): { values: Tensor; gradients: HeadGradients } {
  const { draft, mask, sequenceLength, pooled } = inputs
  const { device } = draft.hidden
  const [rows, width] = draft.hidden.shape as [number, number]
  // What is pooled elsewhere asks for no rows beside each other.
  const scopeRows = pooled ? 1 : rowsOfScope(program.code, rows, sequenceLength)
  const { chunks, wholeScopes } = chunksOf(rows, scopeRows, chunkRowsOf(inputs))
  const gradients: HeadGradients = {
    hidden: wanted.hidden ? device.empty(draft.hidden.shape) : undefined,
    weight: undefined,
  }
  // ∂mean/∂value of each row.
  const share = !mask ? device.full([rows], 1 / rows) : divide(mask, maximum(sum(mask), 1))

  /** Writes a chunk's part of the gradient in the hidden states; returns that in the weight, summed with those before it. */
  const differentiate = (chunk: Chunk, logits: ReturnType<typeof logitsOf>, stats: RowStats, sums: ScopeSums) => {
    const dlogits = logitsGradient(program, logits, stats, sums, rowsOf(share, chunk)) // [count, draft vocabulary]
    // What follows takes memory of its own, and of the logits nothing.
    logits.draftLogits.dispose()
    logits.targetLogits?.dispose()
    if (gradients.hidden) {
      const dhidden = matmul(dlogits, draft.weight) // [count, width]
      device.copy(dhidden, 0, gradients.hidden, chunk.first * width, dhidden.size)
    }
    if (!wanted.weight) return undefined
    const dweight = matmul(dlogits, rowsOf(draft.hidden, chunk), { transposeA: true }) // [draft vocabulary, width]
    dlogits.dispose()
    return gradients.weight ? add(gradients.weight, dweight) : dweight
  }
  const addGradients = (weight: Tensor | undefined) => {
    gradients.weight?.dispose()
    gradients.weight = weight
  }

  const stats: RowStats[] = []
  for (const chunk of chunks) {
    const part = device.scope(() => {
      const logits = logitsOf(inputs, chunk)
      const ofRows = rowStats(program, logits)
      if (!(wholeScopes && (wanted.hidden || wanted.weight))) return { ofRows }
      const scopes = {
        mask: mask && rowsOf(mask, chunk),
        sequenceLength: sequenceLength && Math.min(sequenceLength, chunk.count),
        pooled,
      }
      return { ofRows, weight: differentiate(chunk, logits, ofRows, scopeSums(program, ofRows.stats, scopes)) }
    })
    stats.push(part.ofRows)
    if (part.weight) addGradients(part.weight)
  }
  const whole = joined(
    device,
    stats.map((part) => part.stats),
    rows,
  )
  const sums = scopeSums(program, whole, { mask, sequenceLength, pooled })
  if (!wholeScopes && (wanted.hidden || wanted.weight))
    for (const [i, chunk] of chunks.entries())
      addGradients(device.scope(() => differentiate(chunk, logitsOf(inputs, chunk), stats[i]!, sumsOf(sums, chunk))))
  return { values: rowValues(program, whole, sums), gradients }
}

/** Rows whose logits are held at a time. */
function chunkRowsOf({ draft, target, chunkRows }: HeadInputs): number {
  const columns = Math.max(draft.weight.shape[0]!, target?.weight.shape[0] ?? 0)
  return chunkRows ?? Math.max(1, Math.floor(chunkBytes / 4 / columns))
}

/** Some rows' logits, with what belongs to them. */
const logitsOf = ({ draft, target, labels, vocabularySize, seed, firstRow = 0 }: HeadInputs, chunk: Chunk) => ({
  draftLogits: matmul(rowsOf(draft.hidden, chunk), draft.weight, { transposeB: true, dtype: 'f32' }), // [count, draft vocabulary]
  targetLogits: target && linear(rowsOf(target.hidden, chunk), target.weight), // [count, target vocabulary]
  labels: labels && rowsOf(labels, chunk),
  vocabularySize,
  seed,
  firstRow: firstRow + chunk.first,
})

/** Some rows of a tensor; itself, if these are all. */
const rowsOf = (x: Tensor, { first, count }: Chunk): Tensor =>
  count === x.shape[0] ? x : slice(x, { start: first, count })

/** Those of the one scope that a chunk lies in. */
const sumsOf = ({ sums, scopeRows }: ScopeSums, { first }: Chunk): ScopeSums => ({
  sums: slice(sums, { start: Math.floor(first / scopeRows), count: 1 }),
  scopeRows,
})

function joined(device: Device, parts: readonly Tensor[], rows: number): Tensor {
  if (parts.length === 1) return parts[0]!
  const width = parts[0]!.shape[1]!
  const whole = device.empty([rows, width])
  let at = 0
  for (const stats of parts) {
    device.copy(stats, 0, whole, at, stats.size)
    at += stats.size
  }
  return whole
}
