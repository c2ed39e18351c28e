import { compare } from '../compare'
import { outrider } from '../outrider'
import { common, openPeers } from '../peers'
import type { Row, Suite } from '../suite'

const shapes = [
  [512, 512, 512],
  [1024, 1024, 1024],
  [1, 4096, 1024],
  [8, 4096, 1024],
] as const

/** [m × k] · [k × n] in f32. */
export const matmulSuite: Suite = {
  name: 'matmul',
  summary: 'f32 matrix products, large and of a few rows, beside jax-js and tfjs',
  async run(context) {
    const { device, note } = context
    const peers = await openPeers(['jax-js/webgpu', 'tfjs/webgpu'], note)
    const rows: Row[] = []
    for (const [m, n, k] of shapes) {
      note(`${m} × ${n} × ${k}`)
      const [a, b] = [common.values(m * k, 1, 1), common.values(k * n, 1, 2)]
      const generations = m <= 16 ? (['linear'] as const) : (['dot', 'outer', 'tiled'] as const)
      const ours = [outrider(device), ...generations.map((kernel) => outrider(device, kernel))]
      rows.push(
        ...(await compare(context, [...ours, ...peers], {
          name: `${m} × ${n} × ${k}`,
          work: { bytes: 4 * (m * k + k * n + m * n), operations: 2 * m * n * k },
          make: (contender) => contender.matmul(a, b, [m, n, k]),
          reference(i) {
            const [row, column] = [Math.floor(i / n), i % n]
            let sum = 0
            for (let j = 0; j < k; j++) sum += a[row * k + j]! * b[j * n + column]!
            return sum
          },
        })),
      )
    }
    return rows
  },
}
