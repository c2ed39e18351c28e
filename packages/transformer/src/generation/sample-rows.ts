import { argmax, sampleCategorical, samplingDistribution, type Tensor } from '@outrider/tensor'
import { rowsTogether, type TensorRows } from './rows-together'
import { sampleTokens } from './sample'
import type { Sampling } from './sampling-options'

/** Rows of logits, f32, and how their tokens are drawn. */
export interface RowsToSample extends TensorRows {
  sampling: Sampling
  /** Row r of them uses the random number philox(seed, offset + r). */
  offset: number
}

/**
 * Draws the next tokens of several sequences in one pass: of each what `sampleTokens` draws alone, to the bit.
 *
 * @returns u32 [rows of them all], in their order, to be read through `drawnToken`
 */
export function sampleRows(parts: readonly RowsToSample[]): Tensor {
  const [first] = parts
  return first!.x.device.scope(() => {
    const logits = rowsTogether(parts)
    if (parts.length === 1) return sampleTokens(logits, first!.sampling, first!.offset)
    if (parts.every(({ sampling }) => sampling.temperature === 0)) return argmax(logits, { logits: true })
    const each = parts.flatMap(({ count = 1, sampling, offset }) =>
      Array.from({ length: count }, (_, row) => ({ ...sampling, offset: offset + row })),
    )
    return sampleCategorical(samplingDistribution(logits, each), each)
  })
}
