import type { Capabilities } from '../../device/capabilities'

/** The generations of matmul kernels, by name. `plain` takes any form and is what the others are compared with. */
export type MatmulKernelName = 'plain' | 'dot' | 'outer'

/** A kernel and its tile: an invocation, or for `dot` a workgroup, computes rows × columns elements. */
export interface MatmulPlan {
  readonly kernel: MatmulKernelName
  readonly rows: number
  readonly columns: number
  /** Invocations a workgroup; `dot` takes its own from the row reduction. */
  readonly lanes: number
}

export interface MatmulProblem {
  readonly m: number
  readonly n: number
  readonly k: number
  readonly transposeA: boolean
  readonly transposeB: boolean
}

/**
 * Which kernel multiplies: a pure function of the problem and of what the device can do.
 *
 * On a CPU's vectors (subgroups of 8 and fewer) an 8 × 8 tile in registers is best of those tried, and up to 8 rows are one
 * tile, so that weights are read once for all of them; of 1, 2, 4 or 8, for every height is a kernel to compile. A GPU wants
 * more, smaller tiles.
 */
export function selectMatmul(
  { m, n, transposeA, transposeB }: MatmulProblem,
  capabilities: Pick<Capabilities, 'subgroupMaxSize' | 'subgroups'>,
): MatmulPlan {
  if (transposeA && transposeB) return { kernel: 'plain', rows: 1, columns: 1, lanes: 64 }
  const cpu = capabilities.subgroups && capabilities.subgroupMaxSize <= 8
  if (transposeB) {
    const rows = m <= 2 ? m : m <= 4 || (m > 16 && !cpu) ? 4 : 8
    const columns = rows <= 2 ? 16 : rows <= 4 ? 12 : 8
    return { kernel: 'dot', rows, columns: Math.min(cpu ? columns : 4, n), lanes: 0 }
  }
  const lanes = cpu ? capabilities.subgroupMaxSize : 32
  const side = cpu ? 8 : 4
  return { kernel: 'outer', rows: Math.min(side, m), columns: Math.min(side, Math.ceil(n / lanes)), lanes }
}
