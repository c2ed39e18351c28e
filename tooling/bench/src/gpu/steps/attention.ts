import { attention } from '@outrider/tensor'
import { common } from '../../peers'
import type { GpuStep } from '../step'

/** Few rows over a long cache, and prompts. */
export const attentionStep: GpuStep = {
  name: 'attention',
  summary: 'attention of 1 and 8 rows over a cache, and over prompts',
  limit: 40,
  async run({ device, timed, world: { target, prompts }, emit }) {
    const { heads, kvHeads, headDim } = target
    const longest = prompts.at(-1)!
    for (const [rows, keys] of [[1, longest], [8, longest], ...prompts.map((length) => [length, length])] as const) {
      const [hq, hk, hv] = [rows! * heads, keys! * kvHeads, keys! * kvHeads].map((count, i) =>
        common.values(count * headDim, 1, 1 + i),
      )
      using q = device.tensor(hq!, { shape: [1, rows!, heads, headDim] })
      using k = device.tensor(hk!, { shape: [1, keys!, kvHeads, headDim] })
      using v = device.tensor(hv!, { shape: [1, keys!, kvHeads, headDim] })
      const start = keys! - rows!
      using computed = attention(q, k, v, { start })
      const result = await computed.data()
      // The last row's first head sees all keys.
      const at = (rows! - 1) * heads * headDim
      const scores = Array.from({ length: keys! }, (_, j) => {
        let score = 0
        for (let d = 0; d < headDim; d++) score += hq![at + d]! * hk![j * kvHeads * headDim + d]!
        return score / Math.sqrt(headDim)
      })
      const most = Math.max(...scores)
      const weights = scores.map((score) => Math.exp(score - most))
      const sum = weights.reduce((total, weight) => total + weight, 0)
      const wanted = weights.reduce((total, weight, j) => total + (weight / sum) * hv![j * kvHeads * headDim]!, 0)
      const wrong = Math.abs(result[at]! - wanted) <= 1e-3 ? undefined : `${result[at]}, and float64 says ${wanted}`
      const time = await timed(() => attention(q, k, v, { start }).dispose(), 200)
      const operations = 4 * heads * headDim * (rows! * start + (rows! * (rows! + 1)) / 2)
      emit({ case: `${rows} rows over ${keys}`, ...time, 'TFLOP/s': operations / time.ms / 1e9, wrong })
    }
  },
}
