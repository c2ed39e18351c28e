import { linearWorkgroups } from '../../kernel/index'
import type { Tensor } from '../../tensor'
import { rowReductionFor } from '../reduce/row-reduction'

/** Parameters of a kernel that gives a workgroup to each row of the last axis. */
export function runOverRows(x: Tensor) {
  const columns = x.shape.at(-1) ?? 1
  const rows = x.size / columns
  return {
    params: { rows, columns },
    forms: [rowReductionFor(columns, x.device.capabilities)],
    workgroups: linearWorkgroups(rows),
  }
}
