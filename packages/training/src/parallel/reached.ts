import { defineKernel, linearWorkgroups, rowReduction, rowReductionFor, type Tensor } from '@outrider/tensor'
import sumsSource from './position-sums.wgsl'
import reachedSource from './reached.wgsl'

const reachedKernel = defineKernel({ name: 'reached', source: reachedSource })
const sumsKernel = defineKernel({ name: 'positionSums', source: sumsSource, uses: [rowReduction] })

/**
 * The probability that a block gets to each of its rows: the product of α over those before it. Not differentiable.
 *
 * @param rates   f32 [rows], α
 * @param before  u32 [rows]: the row before each in its block, its own number where it is the first
 * @returns f32 [rows]
 */
export function reachedRows(rates: Tensor, before: Tensor): Tensor {
  const { device, size: rows } = rates
  const reached = device.empty([rows])
  device.run(reachedKernel, {
    bindings: { rates, before, reached },
    params: { rows },
    workgroups: linearWorkgroups(Math.ceil(rows / 64)),
  })
  return reached
}

/**
 * By position of a block: how many rows are of it, Σ α, and Σ α · reached. Not differentiable.
 *
 * @param rates      f32 [rows], α
 * @param reached    f32 [rows], of `reachedRows`
 * @param masks      u32 [rows]: the position less one of each that counts; `positions` or more of those that do not
 * @param positions  of a block
 * @returns f32 [positions, 3]
 */
export function positionSums(rates: Tensor, reached: Tensor, masks: Tensor, positions: number): Tensor {
  const { device, size: rows } = rates
  const sums = device.empty([positions, 3])
  device.run(sumsKernel, {
    bindings: { rates, reached, masks, sums },
    params: { rows },
    forms: [rowReductionFor(rows, device.capabilities)],
    workgroups: [positions],
  })
  return sums
}
