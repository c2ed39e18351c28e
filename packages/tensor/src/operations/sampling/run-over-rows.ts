import { linearWorkgroups } from '../../kernel'
import type { Tensor } from '../../tensor'
import { rowReduction } from '../reduce/row-reduction'

/** Parameters of a kernel that gives a workgroup to each row of the last axis. */
export function runOverRows(x: Tensor, constants: Record<string, boolean | number> = {}) {
  const columns = x.shape.at(-1) ?? 1
  const rows = x.size / columns
  const lanes = rowReduction(columns, x.device.capabilities)
  return {
    params: { rows, columns },
    ...lanes,
    constants: { ...lanes.constants, ...constants },
    workgroups: linearWorkgroups(rows),
  }
}
