import { gather, OutriderError, type Tensor } from '@outrider/tensor'
import type { DistillationLoss, DistillationResult } from '../distillation-loss'
import { rowMean } from '../row-mean'
import { checkInputs } from './check-inputs'
import { type Part, rowLossCode } from './code'
import { checkDefinition, type RowLossDefinition } from './definition'
import { rowLossKernels, rowValues } from './evaluate'

/** A loss that is a sum over positions of a function of p and q there. */
export interface RowLoss extends DistillationLoss {
  /** What it is made of: itself, or the terms of a weighted sum. */
  readonly parts: readonly Part[]
}

/**
 * Makes a loss of a few WGSL expressions. The softmaxes, the Jacobian, masking, the mean over positions, α and the kernels
 * are this package's; one family of kernels serves every loss.
 *
 * ```ts
 * const tvd = defineRowLoss({ name: 'tvd', value: '1.0 - alpha', weight: 'select(0.0, -1.0, q > p)' })
 * ```
 *
 * @throws OutriderError INVALID_ARGUMENT for a definition that cannot be; a mistake in the WGSL is reported with the loss's
 * name and the expression when its first result is read
 */
export function defineRowLoss(definition: RowLossDefinition): RowLoss {
  checkDefinition(definition)
  return rowLoss(definition.name, [{ definition, weight: 1 }])
}

/**
 * Σ weight · loss of several row losses, in one pass over the vocabulary.
 *
 * @throws OutriderError INVALID_ARGUMENT where there is none, for a weight that is not a number, or where two of them
 * pool statistics over different scopes
 */
export function weightedSum(terms: readonly (readonly [RowLoss, number])[]): RowLoss {
  if (terms.length === 0) throw new OutriderError('INVALID_ARGUMENT', 'weightedSum: there are no losses.')
  for (const [{ name }, weight] of terms)
    if (!Number.isFinite(weight))
      throw new OutriderError('INVALID_ARGUMENT', `weightedSum: the weight of ${name} is ${weight}.`, {
        remedy: 'Give a finite number.',
      })
  const scopes = new Set(
    terms.flatMap(([{ parts }]) => parts.flatMap(({ definition }) => definition.pooled?.scope ?? [])),
  )
  if (scopes.size > 1)
    throw new OutriderError(
      'INVALID_ARGUMENT',
      `weightedSum: its losses pool over ${[...scopes].join(' and over ')}.`,
      { remedy: 'Give them one scope.' },
    )
  return rowLoss(
    terms.map(([{ name }, weight]) => `${weight}*${name}`).join('+'),
    terms.flatMap(([{ parts }, weight]) => parts.map((part) => ({ ...part, weight: part.weight * weight }))),
  )
}

function rowLoss(name: string, parts: readonly Part[]): RowLoss {
  const code = rowLossCode(parts)
  const kernels = rowLossKernels(name)
  const any = (test: (definition: RowLossDefinition) => boolean) => parts.some(({ definition }) => test(definition))
  const draws = any((definition) => definition.draws === true)
  const needs = {
    target: any((definition) => definition.needsTarget !== false),
    labels: any((definition) => definition.needsLabels === true),
    sequences: code.pooled && code.scope === 'sequence',
  }
  return {
    name,
    parts,
    evaluate(inputs) {
      checkInputs(name, inputs, needs)
      const { device } = inputs.draftLogits
      const compute = () => {
        const { values, stats } = rowValues(kernels, code, inputs, draws)
        const average = (x: Tensor) => rowMean(x, inputs.mask)
        const value = average(column(values, 0))
        const statistics = Object.fromEntries(
          code.statistics.map((statistic, i) => [statistic, average(column(values, i + 1))]),
        )
        const result: DistillationResult = { value, statistics }
        if (inputs.targetLogits) result.acceptanceRate = average(column(stats, 2))
        return result
      }
      // While gradients are recorded, the tape owns what is in between.
      return device.tape ? compute() : device.scope(compute)
    },
  }
}

/** A column of [rows, columns], as [rows]. */
function column(x: Tensor, index: number): Tensor {
  const [rows] = x.shape as [number]
  if (x.shape[1] === 1) return x.reshape([rows])
  return gather(x, x.device.full([rows], index, 'u32'))
}
