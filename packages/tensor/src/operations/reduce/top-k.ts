import { OutriderError } from '../../errors'
import { defineKernel, linearWorkgroups } from '../../kernel/index'
import type { Tensor } from '../../tensor'
import { noLogit } from './no-logit'
import { rowReduction, rowReductionFor } from './row-reduction'
import source from './top-k.wgsl'

const kernel = defineKernel({ name: 'topK', source, uses: [rowReduction, noLogit] })

/**
 * The k largest elements along the last axis, the largest first, and where they are; of equal elements the lower index comes
 * first. A row with NaN has none: its values are NaN and its indices `noToken`. It reads each row k times: for a few of many.
 *
 * @param x  f32 [..., columns]
 * @param k  from 1 to the number of columns
 * @returns values f32 [..., k] and indices u32 [..., k]. Not differentiable.
 * @throws OutriderError INVALID_ARGUMENT for a k that the rows do not have
 */
export function topK(x: Tensor, k: number): { values: Tensor; indices: Tensor } {
  const columns = x.shape.at(-1) ?? 1
  if (!(Number.isInteger(k) && k >= 1 && k <= columns))
    throw new OutriderError('INVALID_ARGUMENT', `topK: k is ${k}; it must be a whole number from 1 to ${columns}.`)
  const rows = x.size / columns
  const shape = [...x.shape.slice(0, -1), k]
  const values = x.device.empty(shape)
  const indices = x.device.empty(shape, 'u32')
  x.device.run(kernel, {
    bindings: { x, values, indices },
    params: { rows, columns, k },
    forms: [rowReductionFor(columns, x.device.capabilities)],
    workgroups: linearWorkgroups(rows),
  })
  return { values, indices }
}
