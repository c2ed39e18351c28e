import { gather, ShapeError, type Tensor } from '@outrider/tensor'
import { tvd } from './builtin/tvd'
import { rowLossCode } from './row-loss/code'
import { rowLossKernels, rowValues } from './row-loss/evaluate'

const code = rowLossCode(tvd.parts)
const kernels = rowLossKernels('acceptance')

/**
 * α = Σ min(p, q) by row: the chance that a token drafted from p is accepted by q (Leviathan et al. 2023, arXiv 2211.17192).
 *
 * @param draftLogits   f32 [rows, draft vocabulary]
 * @param targetLogits  f32 [rows, target vocabulary]; the longer vocabulary's padding counts as absent
 * @returns f32 [rows]. Not differentiable; the caller disposes of it.
 */
export function acceptanceRates(draftLogits: Tensor, targetLogits: Tensor): Tensor {
  const [rows] = draftLogits.shape
  if (rows !== targetLogits.shape[0])
    throw new ShapeError(
      'acceptanceRates',
      [draftLogits.shape, targetLogits.shape],
      'draft and target need the same rows',
    )
  const { device } = draftLogits
  return device.scope(() => {
    const { stats } = rowValues(kernels, code, { draftLogits, targetLogits }, false)
    return gather(stats, device.full([rows!], 2, 'u32'))
  })
}
