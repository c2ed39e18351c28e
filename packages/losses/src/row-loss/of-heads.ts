import {
  add,
  cast,
  type Device,
  differentiable,
  divide,
  maximum,
  multiply,
  slice,
  sum,
  type Tensor,
} from '@outrider/tensor'
import { type HeadGradients, headGradients, isTracked, rowLogits, withoutGradients } from '@outrider/tensor/internal'
import { type CoveredInputs, overCovered } from '../covered'
import type { DistillationResult, HeadInputs, TargetOutputs, TopTokens } from '../distillation-loss'
import { type TargetLogits, targetLogitsOf } from '../target-logits'
import { type Buckets, fromBuckets, overBuckets } from '../top-tokens/buckets'
import { type Chunk, chunksOf } from './chunks'
import {
  lineOf,
  logitsGradient,
  pooledSums,
  type RowInputs,
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

/** Logits that are held, of both models, where a loss pools over more rows than a chunk has: they are needed again. */
const heldBytes = 2 ** 28

/** A row loss of hidden states: logits, loss and gradient chunk by chunk. */
export function ofHeads(program: RowLossProgram, inputs: HeadInputs): DistillationResult {
  const { draft, target, mask, byRow = false } = inputs
  const { device } = draft.hidden
  const { weight, bias } = draft.head
  const parameters = { hidden: draft.hidden, weight, ...(bias && { bias }) }
  const wanted = {
    hidden: isTracked(draft.hidden),
    weight: isTracked(weight),
    bias: bias !== undefined && isTracked(bias),
  }
  const { result, gradients } = withoutGradients(device, () =>
    device.scope(() => {
      const { values, gradients } = pass(program, inputs, wanted)
      const means = rowMeans(program.code, values, mask, target !== undefined)
      const result: DistillationResult = { ...means, ...(byRow && target && { acceptanceRates: lineOf(values, 1) }) }
      return { result, gradients }
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
    inputs: Object.values(parameters),
    saved: Object.values(gradients),
    gradient: (dvalue) => [
      () => scaled(gradients.hidden, dvalue, draft.hidden),
      () => scaled(gradients.weight, dvalue, { dtype: 'f32' }),
      ...(bias ? [() => scaled(gradients.bias, dvalue, { dtype: 'f32' })] : []),
    ],
  })
  return result
}

/** The losses of rows, and α where there is a target. Not differentiable. */
export function rowsOfHeads(program: RowLossProgram, inputs: HeadInputs): RowFigures {
  const { device } = inputs.draft.hidden
  return withoutGradients(device, () =>
    device.scope(() => {
      const { values } = pass(program, inputs, { hidden: false, weight: false, bias: false })
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

/** The values of all rows, and the gradients of their mean. */
function pass(
  program: RowLossProgram,
  inputs: HeadInputs,
  wanted: Readonly<Record<keyof HeadGradients, boolean>>,
): { values: Tensor; gradients: HeadGradients } {
  const { draft, mask, sequenceLength, pooled } = inputs
  const { device } = draft.hidden
  const [rows, hiddenSize] = draft.hidden.shape as [number, number]
  // What is pooled elsewhere asks for no rows beside each other.
  const scopeRows = pooled ? 1 : rowsOfScope(program.code, rows, sequenceLength)
  const { chunks, wholeScopes } = chunksOf(rows, scopeRows, chunkRowsOf(inputs))
  const gradients: HeadGradients = wanted.hidden ? { hidden: device.empty(draft.hidden.shape) } : {}
  const differentiated = wanted.hidden || wanted.weight || wanted.bias
  // ∂mean/∂value of each row.
  const share = !mask ? device.full([rows], 1 / rows) : divide(mask, maximum(sum(mask), 1))

  /** Writes a chunk's part of the gradient in the hidden states; returns those in the head, summed with those before it. */
  const differentiate = (chunk: Chunk, logits: ReturnType<typeof logitsOf>, stats: RowStats, sums: ScopeSums) => {
    const given = logitsGradient(program, logits, stats, sums, rowsOf(share, chunk))
    logits.targetLogits?.dispose()
    const { whole, draftLogits } = logits
    const dlogits = whole ? fromBuckets(given, { draftLogits, whole }) : given // [count, rows of the head]
    const rows = { hidden: rowsOf(draft.hidden, chunk), logits: whole?.draftLogits ?? draftLogits, dlogits }
    const { hidden, weight, bias } = headGradients(draft.head, rows, wanted)
    if (hidden) device.copy(hidden, 0, gradients.hidden!, chunk.first * hiddenSize, hidden.size)
    return { weight: added(gradients.weight, weight), bias: added(gradients.bias, bias) }
  }
  const keepGradients = (sums: Partial<Record<'weight' | 'bias', Tensor | undefined>>) => {
    for (const [part, sum] of Object.entries(sums) as ['weight' | 'bias', Tensor | undefined][]) {
      if (!sum) continue
      gradients[part]?.dispose()
      gradients[part] = sum
    }
  }

  const stats: RowStats[] = []
  const rates: Tensor[] = []
  const held = new Map<Chunk, ReturnType<typeof logitsOf>>()
  let room = heldRowsOf(inputs)
  for (const chunk of chunks) {
    const part = device.scope((): ChunkPart => {
      const logits = logitsOf(inputs, chunk)
      const ofRows = rowStats(program, logits)
      const { acceptanceRates } = logits
      if (!differentiated) return { ofRows, acceptanceRates }
      if (!wholeScopes) {
        room -= chunk.count
        return { ofRows, acceptanceRates, ...(room >= 0 && { logits }) }
      }
      const scopes = {
        mask: mask && rowsOf(mask, chunk),
        sequenceLength: sequenceLength && Math.min(sequenceLength, chunk.count),
        pooled,
      }
      const sums = differentiate(chunk, logits, ofRows, scopeSums(program, ofRows.stats, scopes))
      return { ofRows, acceptanceRates, sums }
    })
    stats.push(part.ofRows)
    if (part.acceptanceRates) rates.push(part.acceptanceRates)
    if (part.logits) held.set(chunk, part.logits)
    if (part.sums) keepGradients(part.sums)
  }
  const whole = joined(
    device,
    stats.map((part) => part.stats),
    rows,
  )
  const sums = scopeSums(program, whole, { mask, sequenceLength, pooled })
  if (!wholeScopes && differentiated)
    for (const [i, chunk] of chunks.entries())
      keepGradients(
        device.scope(() => {
          const logits = held.get(chunk) ?? logitsOf(inputs, chunk)
          return differentiate(chunk, logits, stats[i]!, sumsOf(sums, chunk))
        }),
      )
  const values = rowValues(program, whole, sums)
  // What a trimmed draft is accepted by is the target's own distribution.
  for (const [i, part] of rates.entries()) device.copy(part, 0, values, rows + chunks[i]!.first, part.size)
  return { values, gradients }
}

/** What a chunk leaves: the sums of its rows, and its gradients in the head, or the logits that these are made of later. */
interface ChunkPart {
  ofRows: RowStats
  acceptanceRates: Tensor | undefined
  sums?: Partial<Record<'weight' | 'bias', Tensor | undefined>>
  logits?: ReturnType<typeof logitsOf>
}

/** Rows whose logits are held at a time. */
function chunkRowsOf({ draft, target, chunkRows }: HeadInputs): number {
  const columns = Math.max(draft.head.weight.shape[0]!, target ? columnsMadeOf(target) : 0)
  return chunkRows ?? Math.max(1, Math.floor(chunkBytes / 4 / columns))
}

/** Rows whose logits are held until they are needed again. */
function heldRowsOf({ draft, target, chunkRows, heldRows }: HeadInputs): number {
  const own = draft.head.weight.shape[0]!
  // Beside the k tokens of a target that is known by these stands the draft's row without them.
  const made = target && 'ids' in target ? own : 0
  const others = !target ? 0 : draft.head.covered ? own : columnsMadeOf(target) + made
  return heldRows ?? (chunkRows === undefined ? Math.floor(heldBytes / 4 / (own + others)) : 0)
}

/** Logits that are made of a target's row. */
function columnsMadeOf(target: TargetOutputs): number {
  if ('ids' in target) return target.ids.shape[1]! + 1
  return 'logits' in target ? target.logits.shape[1]! : target.head.weight.shape[0]!
}

/** Some rows' logits, with what belongs to them. */
function logitsOf(
  { draft, target, labels, vocabularySize, seed, firstRow = 0 }: HeadInputs,
  chunk: Chunk,
): CoveredInputs<RowInputs> & { whole?: Buckets['whole'] } {
  const draftLogits = rowLogits(draft.head, rowsOf(draft.hidden, chunk)) // [count, rows of the draft's head]
  const first = firstRow + chunk.first
  if (target && 'ids' in target) {
    const top = {
      ids: rowsOf(target.ids, chunk),
      logProbabilities: rowsOf(target.logProbabilities, chunk),
      logRest: rowsOf(target.logRest, chunk),
    }
    return { ...overBuckets(draftLogits, top, draft.head, vocabularySize), seed, firstRow: first }
  }
  return overCovered(draft.head.covered, {
    draftLogits,
    ...(target && targetRows(target, chunk)), // [count, target vocabulary or covered]
    labels: labels && rowsOf(labels, chunk),
    vocabularySize,
    seed,
    firstRow: first,
  })
}

/** The target's logits of some rows. They are freed with the chunk: of logits that are all of them, a view is. */
function targetRows(target: Exclude<TargetOutputs, TopTokens>, chunk: Chunk): TargetLogits {
  if ('logits' in target) {
    const rows = rowsOf(target.logits, chunk)
    return { targetLogits: rows.reshape(rows.shape) }
  }
  const hidden = rowsOf(target.hidden, chunk)
  if (!('logNormalizers' in target)) return targetLogitsOf({ ...target, hidden })
  return targetLogitsOf({ ...target, hidden, logNormalizers: rowsOf(target.logNormalizers, chunk) })
}

/** Some rows of a tensor; itself, if these are all. */
const rowsOf = (x: Tensor, { first, count }: Chunk): Tensor =>
  count === x.shape[0] ? x : slice(x, { start: first, count })

/** Those of the one scope that a chunk lies in. */
const sumsOf = ({ sums, scopeRows }: ScopeSums, { first }: Chunk): ScopeSums => ({
  sums: slice(sums, { start: Math.floor(first / scopeRows), count: 1 }),
  scopeRows,
})

const added = (sum: Tensor | undefined, part: Tensor | undefined): Tensor | undefined =>
  sum && part ? add(sum, part) : part

function joined(device: Device, parts: readonly Tensor[], rows: number): Tensor {
  if (parts.length === 1) return parts[0]!
  const columns = parts[0]!.shape[1]!
  const whole = device.empty([rows, columns])
  let at = 0
  for (const stats of parts) {
    device.copy(stats, 0, whole, at, stats.size)
    at += stats.size
  }
  return whole
}
