import {
  defineKernel,
  type Kernel,
  type KernelPart,
  linearWorkgroups,
  rowReduction,
  rowReductionFor,
  slice,
  type Tensor,
} from '@outrider/tensor'
import { rowVectorsFor, vectorsOf } from '@outrider/tensor/internal'
import type { DistillationInputs, DistillationResult } from '../distillation-loss'
import { rowMean } from '../row-mean'
import { lossCode, type RowLossCode, rowLossCode, type Term } from './code'
import { drawTokens } from './draw-tokens'
import readRowText from './read-row.wgsl'
import gradientSource from './row-gradient.wgsl'
import sumsSource from './row-sums.wgsl'
import valuesSource from './row-values.wgsl'
import scopeSource from './scope-sums.wgsl'

/** A row loss as kernels, which are named after it, so that a mistake in its WGSL is reported under its name. */
export interface RowLossProgram {
  readonly code: RowLossCode
  readonly draws: boolean
  readonly sums: Kernel
  readonly scope: Kernel
  readonly values: Kernel
  readonly gradient: Kernel
}

const readRow: KernelPart = { name: 'readRow', provides: ['readRow', 'isNone'], text: readRowText }

export function rowLossProgram(name: string, terms: readonly Term[]): RowLossProgram {
  return {
    code: rowLossCode(terms),
    draws: terms.some(({ definition }) => definition.draws === true),
    sums: defineKernel({
      name: `rowSums(${name})`,
      source: sumsSource,
      uses: [rowReduction, lossCode],
      constants: ['SUMS', 'HAS_TARGET'],
    }),
    scope: defineKernel({
      name: `scopeSums(${name})`,
      source: scopeSource,
      uses: [rowReduction],
      constants: ['SUMS'],
    }),
    values: defineKernel({
      name: `rowValues(${name})`,
      source: valuesSource,
      uses: [lossCode, readRow],
      constants: ['SUMS', 'STATISTICS'],
    }),
    gradient: defineKernel({
      name: `rowGradient(${name})`,
      source: gradientSource,
      uses: [rowReduction, lossCode, readRow],
      constants: ['SUMS', 'HAS_TARGET'],
    }),
  }
}

/** Logits and what belongs to their rows. */
export type RowInputs = Pick<
  DistillationInputs,
  'draftLogits' | 'targetLogits' | 'labels' | 'vocabularySize' | 'seed' | 'firstRow'
>

/** What one pass over the vocabulary leaves of every row. */
export interface RowStats {
  /** f32 [rows, 3 + sums]: both normalisers, α, the sums. */
  stats: Tensor
  /** u32 [rows], for a loss that draws. */
  drawn: Tensor | undefined
}

/** The sums of every row. */
export function rowStats(program: RowLossProgram, inputs: RowInputs): RowStats {
  const { code, draws } = program
  const { draftLogits, seed = 0, firstRow = 0 } = inputs
  const { device } = draftLogits
  const { columns, sizes, bindings, specialization } = laidOut(program, inputs)
  const drawn = draws ? drawTokens(draftLogits, columns, { seed, offset: firstRow }) : undefined
  const stats = device.empty([sizes.rows, 3 + code.sums])
  device.run(program.sums, {
    bindings: { ...bindings, drawn: drawn ?? draftLogits, stats },
    params: sizes,
    ...specialization,
    workgroups: linearWorkgroups(sizes.rows),
  })
  return { stats, drawn }
}

/** What the scopes that rows belong to are to have pooled. */
export interface ScopeSums {
  /** f32 [scopes, 1 + sums]: how many rows count, and the sums over them; any tensor where every row is a scope of its own. */
  sums: Tensor
  /** Rows a scope; 0 where every row is its own. */
  scopeRows: number
}

/**
 * @param stats          of whole scopes
 * @param inputs.mask    f32 [rows], what counts
 * @param inputs.pooled  of the batch that the rows are some of, where the loss pools over it
 */
export function scopeSums(
  program: RowLossProgram,
  stats: Tensor,
  { mask, sequenceLength, pooled }: Pick<DistillationInputs, 'mask' | 'sequenceLength' | 'pooled'>,
): ScopeSums {
  const rows = stats.shape[0]!
  if (pooled) return { sums: pooled, scopeRows: rows }
  const scopeRows = rowsOfScope(program.code, rows, sequenceLength)
  if (scopeRows <= 1) return { sums: stats, scopeRows: 0 }
  return { sums: sumsOfRows(program, stats, scopeRows, mask), scopeRows }
}

/** f32 [1 + sums]: how many rows count, and the sums over them. */
export const pooledSums = (program: RowLossProgram, stats: Tensor, mask: Tensor | undefined): Tensor =>
  sumsOfRows(program, stats, stats.shape[0]!, mask).reshape([1 + program.code.sums])

/** f32 [scopes, 1 + sums]: the same of every `scopeRows` rows. */
function sumsOfRows(
  { code, scope }: RowLossProgram,
  stats: Tensor,
  scopeRows: number,
  mask: Tensor | undefined,
): Tensor {
  const { device } = stats
  const rows = stats.shape[0]!
  const scopes = rows / scopeRows
  const sums = device.empty([scopes, 1 + code.sums])
  const ones = mask ?? device.full([rows], 1)
  device.run(scope, {
    bindings: { stats, mask: ones, sums },
    params: { rows, scopeRows },
    forms: [rowReductionFor(scopeRows, device.capabilities)],
    constants: { SUMS: code.sums },
    workgroups: linearWorkgroups(scopes),
  })
  if (ones !== mask) ones.dispose()
  return sums
}

/** How many neighbouring rows share their pooled sums; 1 where none do. */
export function rowsOfScope({ pooled, scope }: RowLossCode, rows: number, sequenceLength = rows): number {
  if (!pooled || scope === 'position') return 1
  return scope === 'batch' ? rows : sequenceLength
}

/** f32 [2 + statistics, rows]: the loss, α, the statistics. */
export function rowValues(program: RowLossProgram, stats: Tensor, { sums, scopeRows }: ScopeSums): Tensor {
  const { code } = program
  const { device } = stats
  const rows = stats.shape[0]!
  const values = device.empty([2 + code.statistics.length, rows])
  device.run(program.values, {
    bindings: { stats, pooled: sums, values },
    params: { rows, scopeRows },
    constants: { SUMS: code.sums, STATISTICS: code.statistics.length },
    forms: [vectorsOf(1), code.forms[1]],
    workgroups: [Math.ceil(rows / 64)],
  })
  return values
}

/** The means over the rows that count of what `rowValues` has of each. */
export function rowMeans(
  code: RowLossCode,
  values: Tensor,
  mask: Tensor | undefined,
  hasTarget: boolean,
): DistillationResult {
  const average = (index: number) => rowMean(lineOf(values, index), mask)
  return {
    value: average(0),
    ...(hasTarget && { acceptanceRate: average(1) }),
    statistics: Object.fromEntries(code.statistics.map((statistic, i) => [statistic, average(i + 2)])),
  }
}

/** One of the lines of `rowValues`, [rows]. */
export const lineOf = (values: Tensor, index: number): Tensor =>
  slice(values, { start: index, count: 1 }).reshape([values.shape[1]!])

/** The gradient in the draft's logits, of their shape; dvalues: f32 [rows], the gradients in the losses of rows. */
export function logitsGradient(
  program: RowLossProgram,
  inputs: RowInputs,
  { stats, drawn }: RowStats,
  { sums, scopeRows }: ScopeSums,
  dvalues: Tensor,
): Tensor {
  const { draftLogits } = inputs
  const { device } = draftLogits
  const { sizes, bindings, specialization } = laidOut(program, inputs)
  const dlogits = device.empty(draftLogits.shape)
  device.run(program.gradient, {
    bindings: { ...bindings, drawn: drawn ?? draftLogits, stats, pooled: sums, dvalues, dlogits },
    params: { ...sizes, scopeRows },
    ...specialization,
    workgroups: linearWorkgroups(sizes.rows),
  })
  return dlogits
}

/** What the kernels that pass over the vocabulary are given alike. */
function laidOut({ code }: RowLossProgram, inputs: RowInputs) {
  const { draftLogits, targetLogits, labels = draftLogits } = inputs
  const target = targetLogits ?? draftLogits
  const [rows, draftColumns] = draftLogits.shape as [number, number]
  const targetColumns = target.shape[1]!
  const columns = inputs.vocabularySize ?? Math.min(draftColumns, targetColumns)
  const vectorSize = [columns, draftColumns, targetColumns].every((count) => count % 4 === 0) ? 4 : 1
  return {
    /** Tokens that both vocabularies have. */
    columns,
    // The kernels count vectors.
    sizes: {
      rows,
      columns: columns / vectorSize,
      draftColumns: draftColumns / vectorSize,
      targetColumns: targetColumns / vectorSize,
    },
    // Bindings that a loss does not read need some buffer all the same.
    bindings: { draft_logits: draftLogits, target_logits: target, labels },
    specialization: {
      forms: [...rowVectorsFor(columns, vectorSize, draftLogits.device.capabilities), code.forms[vectorSize]],
      constants: { SUMS: code.sums, HAS_TARGET: targetLogits !== undefined },
    },
  }
}
