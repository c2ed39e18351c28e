import {
  defineKernel,
  differentiable,
  type Kernel,
  linearWorkgroups,
  rowReduction,
  type Tensor,
} from '@outrider/tensor'
import type { DistillationInputs } from '../distillation-loss'
import type { RowLossCode } from './code'
import { drawTokens } from './draw-tokens'
import readRowSource from './read-row.wgsl'
import gradientSource from './row-gradient.wgsl'
import sumsSource from './row-sums.wgsl'
import valuesSource from './row-values.wgsl'
import scopeSource from './scope-means.wgsl'

/** The kernels of one loss; they are named after it, so that a mistake in its WGSL is reported under its name. */
export interface RowLossKernels {
  sums: Kernel
  scope: Kernel
  values: Kernel
  gradient: Kernel
}

export function rowLossKernels(name: string): RowLossKernels {
  return {
    sums: defineKernel({ name: `rowSums(${name})`, source: sumsSource }),
    scope: defineKernel({ name: `scopeMeans(${name})`, source: scopeSource }),
    values: defineKernel({ name: `rowValues(${name})`, source: `${valuesSource}\n${readRowSource}` }),
    gradient: defineKernel({ name: `rowGradient(${name})`, source: `${gradientSource}\n${readRowSource}` }),
  }
}

export interface RowValues {
  /** f32 [rows, 1 + statistics]: the loss, then its statistics. Differentiable in the draft's logits through the first. */
  values: Tensor
  /** f32 [rows, 3 + sums]: of which column 2 is α. */
  stats: Tensor
}

/** The values of a row loss, row by row, of inputs that have been checked. */
export function rowValues(
  kernels: RowLossKernels,
  code: RowLossCode,
  inputs: DistillationInputs,
  draws: boolean,
): RowValues {
  const { draftLogits: draft, targetLogits: target = draft, mask } = inputs
  const { device } = draft
  const [rows, draftColumns] = draft.shape as [number, number]
  const targetColumns = target.shape[1]!
  const columns = inputs.vocabularySize ?? Math.min(draftColumns, targetColumns)
  // Bindings that a loss does not read need some buffer all the same.
  const labels = inputs.labels ?? draft
  const lanes = rowReduction(columns, device.capabilities)
  const drawn = draws ? drawTokens(draft, columns, inputs.seed ?? 0, lanes) : draft
  const constants = { ...lanes.constants, SUMS: code.sums, STATISTICS: code.statistics.length }
  const prelude = `${lanes.prelude}\n${code.prelude}`
  const sizes = { rows, columns, draftColumns, targetColumns }
  const perRow = linearWorkgroups(rows)

  const stats = device.empty([rows, 3 + code.sums])
  device.run(kernels.sums, {
    bindings: { draft, target_logits: target, labels, drawn, stats },
    params: sizes,
    constants,
    prelude,
    workgroups: perRow,
  })

  const scopeRows =
    !code.pooled || code.scope === 'position' ? 0 : code.scope === 'batch' ? rows : (inputs.sequenceLength ?? rows)
  const scopes = scopeRows === 0 ? 0 : rows / scopeRows
  const means = scopes === 0 ? stats : device.empty([scopes, code.sums])
  if (scopes > 0) {
    const ones = mask ?? device.full([rows], 1)
    device.run(kernels.scope, {
      bindings: { stats, mask: ones, means },
      params: { rows, scopeRows },
      constants,
      prelude,
      workgroups: linearWorkgroups(scopes),
    })
    if (ones !== mask) ones.dispose()
  }

  const values = device.empty([rows, 1 + code.statistics.length])
  device.run(kernels.values, {
    bindings: { stats, means, values },
    params: { rows, scopeRows },
    constants,
    prelude,
    workgroups: [Math.ceil(rows / 64)],
  })

  const gradient = (dvalues: Tensor) => {
    const dlogits = device.empty(draft.shape)
    device.run(kernels.gradient, {
      bindings: { draft, target_logits: target, labels, drawn, stats, means, dvalues, dlogits },
      params: { ...sizes, scopeRows },
      constants,
      prelude,
      workgroups: perRow,
    })
    return dlogits
  }
  if (!device.tape) for (const tensor of [means, drawn]) if (tensor !== stats && tensor !== draft) tensor.dispose()
  return {
    values: differentiable(values, {
      name: kernels.values.name,
      inputs: [draft],
      gradient: (dy) => [() => gradient(dy)],
    }),
    stats,
  }
}
