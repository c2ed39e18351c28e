import { compare } from '../compare'
import { outrider } from '../outrider'
import { common, openPeers } from '../peers'
import type { Row, Suite } from '../suite'

const [height, width] = [1024, 4096]
const [tokens, vocabulary] = [256, 8192]

/** Operations over rows, which are bound by memory. */
export const rowsSuite: Suite = {
  name: 'rows',
  summary: 'softmax, RMSNorm and cross-entropy with its gradient, beside jax-js and tfjs',
  async run(context) {
    const { device, note } = context
    const contenders = [outrider(device), ...(await openPeers(['jax-js/webgpu', 'tfjs/webgpu'], note))]
    const x = common.values(height * width, 1, 3)
    const w = common.values(width, 1, 4)
    const logits = common.values(tokens * vocabulary, 3, 5)
    const labels = Int32Array.from({ length: tokens }, (_, i) => (i * 37) % vocabulary)
    // What is computed between loads is nothing beside them.
    const moved = (bytes: number) => ({ bytes, operations: 0 })
    const bytes = 4 * height * width
    const logitBytes = 4 * tokens * vocabulary
    const rows: Row[] = []

    note('softmax')
    const exponents = rowTotals(x, width, (row) => total(row, (value) => Math.exp(value)))
    rows.push(
      ...(await compare(context, contenders, {
        name: `softmax ${height} × ${width}`,
        work: moved(2 * bytes),
        make: (contender) => contender.softmax(x, [height, width]),
        reference: (i) => Math.exp(x[i]!) / exponents(Math.floor(i / width)),
      })),
    )
    note('RMSNorm')
    const squares = rowTotals(x, width, (row) => total(row, (value) => value * value))
    rows.push(
      ...(await compare(context, contenders, {
        name: `RMSNorm ${height} × ${width}`,
        work: moved(2 * bytes),
        make: (contender) => contender.rmsNorm(x, w, [height, width]),
        reference: (i) => (x[i]! * w[i % width]!) / Math.sqrt(squares(Math.floor(i / width)) / width + 1e-5),
      })),
    )
    note('cross-entropy')
    const sums = rowTotals(logits, vocabulary, (row) => total(row, (value) => Math.exp(value)))
    const loss =
      labels.reduce((sum, label, row) => sum + Math.log(sums(row)) - logits[row * vocabulary + label]!, 0) / tokens
    rows.push(
      ...(await compare(context, contenders, {
        name: `cross-entropy ${tokens} × ${vocabulary}`,
        work: moved(logitBytes),
        make: (contender) => contender.crossEntropy(logits, labels, [tokens, vocabulary]),
        reference: () => loss,
      })),
    )
    note('cross-entropy and its gradient')
    rows.push(
      ...(await compare(context, contenders, {
        name: `cross-entropy and gradient ${tokens} × ${vocabulary}`,
        work: moved(3 * logitBytes),
        make: (contender) => contender.crossEntropyGradient(logits, labels, [tokens, vocabulary]),
        reference(i) {
          const row = Math.floor(i / vocabulary)
          return (Math.exp(logits[i]!) / sums(row) - (i % vocabulary === labels[row] ? 1 : 0)) / tokens
        },
      })),
    )
    return rows
  },
}

const total = (row: Float32Array, f: (value: number) => number) => row.reduce((sum, value) => sum + f(value), 0)

/** A sum of each row in float64, made when it is asked for. */
function rowTotals(x: Float32Array, columns: number, sum: (row: Float32Array) => number): (row: number) => number {
  const known = new Map<number, number>()
  return (row) => {
    if (!known.has(row)) known.set(row, sum(x.subarray(row * columns, (row + 1) * columns)))
    return known.get(row)!
  }
}
