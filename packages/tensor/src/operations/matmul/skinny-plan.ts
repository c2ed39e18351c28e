import type { Subgroups } from '../../device/capabilities'
import type { LinearProblem, MatmulPlan } from './select'

/** A pass of more rows of a sequence than this is a prompt's, and may be computed otherwise than decoding. */
export const fewRows = 16

/** Whether `skinny` can: subgroups of more than one invocation. Of their sizes it needs the least alone. */
export const takesSkinny = ({ subgroups, subgroupMinSize }: Subgroups): boolean => subgroups && subgroupMinSize >= 2

/**
 * A workgroup of `skinny`: one subgroup of the largest size that the device has (32 on NVIDIA and Apple, 64 on AMD), whose neighbours
 * add by shuffles as far as its smallest goes (8 or 16 on Intel); or several along k, where the columns are too few to keep the
 * device busy and k is long enough. How sums are cut is a matter of the weights and the device alone. The tile is not: all rows,
 * and four columns: with fewer the rows are read from a cache longer than the weights from memory (`npm run bench -- --model-of-cost`),
 * with more their sums do not fit into registers.
 */
export function skinnyPlan(
  { m, n, k, packed = false }: Pick<LinearProblem, 'm' | 'n' | 'k' | 'packed'>,
  { subgroupMinSize, subgroupMaxSize }: Subgroups,
): MatmulPlan {
  const rows = Math.min(fewRows, 2 ** Math.ceil(Math.log2(m)))
  const pieces = k / (packed ? 8 : k % 4 === 0 ? 4 : 1)
  let lanes = Math.min(subgroupMaxSize, mostLanes)
  while (2 * lanes <= mostLanes && (n / mostColumns) * lanes < busyLanes && pieces >= 4 * lanes) lanes *= 2
  return { kernel: 'skinny', rows, columns: Math.min(mostColumns, n), lanes, reach: Math.min(subgroupMinSize, lanes) }
}

const mostColumns = 4
/** Invocations of a workgroup that every device allows. */
const mostLanes = 256
/** Invocations that keep a GPU of some dozens of cores busy. */
const busyLanes = 2 ** 15
