import { argmax, sampleCategorical, samplingDistribution, type Tensor } from '@outrider/tensor'
import type { Sampling } from './sampling-options'

/**
 * Draws the next token of every row. The random number of row r is philox(seed, offset + r).
 *
 * @param logits  f32 [rows, vocabulary]
 * @returns u32 [rows]
 */
export function sampleTokens(logits: Tensor, { temperature, topK, topP, seed }: Sampling, offset: number): Tensor {
  if (temperature === 0) return argmax(logits)
  return logits.device.scope(() =>
    sampleCategorical(samplingDistribution(logits, { temperature, topK, topP }), { seed, offset }),
  )
}
