import { differentiable, OutriderError } from '@outrider/tensor'
import type { DistillationInputs, DistillationLoss, DistillationResult, HeadInputs } from '../distillation-loss'
import { checkHeadInputs, checkInputs } from './check-inputs'
import type { Term } from './code'
import { checkDefinition, type RowLossDefinition } from './definition'
import { ofHeads, pooledSumsOfHeads, type RowFigures, rowsOfHeads } from './of-heads'
import {
  lineOf,
  logitsGradient,
  pooledSums,
  type RowLossProgram,
  rowLossProgram,
  rowMeans,
  rowStats,
  rowValues,
  scopeSums,
} from './program'

/** A loss that is a sum over positions of a function of p and q there. */
export interface RowLoss extends DistillationLoss {
  /** What it is made of: itself, or the terms of a weighted sum. */
  readonly terms: readonly Term[]
  /** The losses of rows and their α, f32 [rows], in place of means. Not differentiable; the caller disposes of them. */
  rows(inputs: HeadInputs): RowFigures
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
export function weightedSum(losses: readonly (readonly [RowLoss, number])[]): RowLoss {
  if (losses.length === 0) throw new OutriderError('INVALID_ARGUMENT', 'weightedSum: there are no losses.')
  for (const [{ name }, weight] of losses)
    if (!Number.isFinite(weight))
      throw new OutriderError('INVALID_ARGUMENT', `weightedSum: the weight of ${name} is ${weight}.`, {
        remedy: 'Give a finite number.',
      })
  const scopes = new Set(
    losses.flatMap(([{ terms }]) => terms.flatMap(({ definition }) => definition.pooled?.scope ?? [])),
  )
  if (scopes.size > 1)
    throw new OutriderError(
      'INVALID_ARGUMENT',
      `weightedSum: its losses pool over ${[...scopes].join(' and over ')}.`,
      { remedy: 'Give them one scope.' },
    )
  return rowLoss(
    losses.map(([{ name }, weight]) => `${weight}*${name}`).join('+'),
    losses.flatMap(([{ terms }, weight]) => terms.map((term) => ({ ...term, weight: term.weight * weight }))),
  )
}

function rowLoss(name: string, terms: readonly Term[]): RowLoss {
  const program = rowLossProgram(name, terms)
  const any = (is: (definition: RowLossDefinition) => boolean) => terms.some(({ definition }) => is(definition))
  const needs = {
    target: any((definition) => definition.needsTarget !== false),
    labels: any((definition) => definition.needsLabels === true),
    sequences: program.code.pooled && program.code.scope === 'sequence',
    pooled: program.code.pooled && program.code.scope === 'batch' ? 1 + program.code.sums : 0,
  }
  return {
    name,
    terms,
    evaluate(inputs) {
      checkInputs(name, inputs, needs)
      return ofLogits(program, inputs)
    },
    evaluateHeads(inputs) {
      checkHeadInputs(name, inputs, needs)
      return ofHeads(program, inputs)
    },
    rows(inputs) {
      checkHeadInputs(name, inputs, needs)
      return rowsOfHeads(program, inputs)
    },
    ...(needs.pooled > 0 && {
      pool(inputs: DistillationInputs) {
        checkInputs(name, inputs, needs)
        return pooledSums(program, rowStats(program, inputs).stats, inputs.mask)
      },
      poolHeads(inputs: HeadInputs) {
        checkHeadInputs(name, inputs, needs)
        return pooledSumsOfHeads(program, inputs)
      },
    }),
  }
}

function ofLogits(program: RowLossProgram, inputs: DistillationInputs): DistillationResult {
  const { draftLogits, targetLogits, labels, mask, pooled } = inputs
  const read = [draftLogits, targetLogits, labels, pooled].filter((tensor) => tensor !== undefined)
  return draftLogits.device.scope(() => {
    const stats = rowStats(program, inputs)
    const sums = scopeSums(program, stats.stats, inputs)
    const values = differentiable(rowValues(program, stats.stats, sums), {
      name: program.values.name,
      inputs: read,
      saved: [stats.stats, ...(stats.drawn ? [stats.drawn] : []), ...(pooled ? [] : [sums.sums])],
      gradient: (dvalues) => [() => logitsGradient(program, inputs, stats, sums, lineOf(dvalues, 0))],
    })
    return rowMeans(program.code, values, mask, targetLogits !== undefined)
  })
}
