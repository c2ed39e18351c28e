import { type AttentionOptions, attention, type Tensor } from '@outrider/tensor'
import { formats } from '@outrider/tensor/internal'
import { common } from '../../inputs'
import type { GpuStep } from '../step'

type Kernel = Pick<AttentionOptions, 'kernel' | 'span'>
const ofMany: readonly Kernel[] = [{}, { kernel: 'flash' }, { kernel: 'shared' }]
/** Few rows have one kernel, and the keys are cut for them: so many keys a split. */
const ofFew: readonly Kernel[] = [{}, { span: 64 }, { span: 128 }, { span: 512 }, { span: 1024 }]

/** Few rows over a long cache, and prompts, by the kernels for many rows; the cache of f32 and of f16. */
export const attentionStep: GpuStep = {
  name: 'attention',
  summary: 'attention of 1 and 8 rows over a cache, and over prompts by kernel, f32 and f16',
  limit: 40,
  async run({ device, timed, world: { target, prompts }, emit }) {
    const { heads, kvHeads, headDim } = target
    const longest = prompts.at(-1)!
    for (const [rows, keys] of [[1, longest], [8, longest], ...prompts.map((length) => [length, length])] as const) {
      const [hq, hk, hv] = [rows! * heads, keys! * kvHeads, keys! * kvHeads].map((count, i) =>
        common.values(count * headDim, 1, 1 + i),
      )
      using q = device.tensor(hq!, { shape: [1, rows!, heads, headDim] })
      const start = keys! - rows!
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
      const operations = 4 * heads * headDim * (rows! * start + (rows! * (rows! + 1)) / 2)
      for (const cache of ['f32', 'f16'] as const) {
        const shape = [1, keys!, kvHeads, headDim]
        const held = (values: Float32Array) =>
          cache === 'f32'
            ? device.tensor(values, { shape })
            : device.tensor(formats.f16.encode!(values), { shape, dtype: cache })
        using k = held(hk!)
        using v = held(hv!)
        for (const { kernel, span } of rows! > 16 ? ofMany : ofFew) {
          const name = {
            case: `${rows} rows over ${keys} of ${cache}`,
            kernel: (kernel ?? 'chosen') + (span ? `, splits of ${span}` : ''),
          }
          let computed: Tensor
          try {
            computed = attention(q, k, v, { start, kernel, span })
          } catch (error) {
            emit({ ...name, skipped: (error as Error).message })
            continue
          }
          const result = await computed.data()
          computed.dispose()
          const off = Math.abs(result[at]! - wanted)
          const wrong = off <= (cache === 'f32' ? 1e-3 : 5e-3) ? undefined : `${result[at]}, and float64 says ${wanted}`
          const time = await timed(() => attention(q, k, v, { start, kernel, span }).dispose(), 200)
          emit({ ...name, ...time, 'TFLOP/s': operations / time.ms / 1e9, wrong })
        }
      }
    }
  },
}
