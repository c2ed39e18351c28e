import type { Tensor } from '@outrider/tensor'
import { tvd } from './builtin/tvd'
import { checkLogits } from './row-loss/check-inputs'
import { lineOf, rowLossProgram, rowStats, rowValues } from './row-loss/program'

const program = rowLossProgram('acceptance', tvd.terms)

/**
 * α = Σ min(p, q) by row: the chance that a token drafted from p is accepted by q (Leviathan et al. 2023, arXiv 2211.17192).
 *
 * @param draftLogits     f32 [rows, draft vocabulary]
 * @param targetLogits    f32 [rows, target vocabulary]
 * @param vocabularySize  columns from there on are padding and count as absent; default: those of the narrower logits
 * @returns f32 [rows]. Not differentiable; the caller disposes of it.
 * @throws ShapeError or OutriderError DTYPE_MISMATCH for logits that do not go together
 */
export function acceptanceRates(draftLogits: Tensor, targetLogits: Tensor, vocabularySize?: number): Tensor {
  const inputs = { draftLogits, targetLogits, vocabularySize }
  checkLogits('acceptanceRates', inputs)
  const { device } = draftLogits
  return device.scope(() => {
    const { stats } = rowStats(program, inputs)
    return lineOf(rowValues(program, stats, { sums: stats, scopeRows: 0 }), 1)
  })
}
