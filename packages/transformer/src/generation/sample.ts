import {
  argmax,
  type Counter,
  OutriderError,
  sampleCategorical,
  samplingDistribution,
  type Tensor,
} from '@outrider/tensor'
import { noToken } from '@outrider/tensor/internal'
import type { Sampling } from './sampling-options'

/**
 * Draws the next token of every row. The random number of row r is philox(seed, offset + r).
 *
 * @param logits  f32 [rows, vocabulary]
 * @returns u32 [rows], to be read through `drawnToken`: a row that is no distribution (NaN, +∞, nothing but −∞) has no token
 */
export function sampleTokens(logits: Tensor, { seed, ...sampling }: Sampling, offset: number | Counter): Tensor {
  if (sampling.temperature === 0) return argmax(logits, { logits: true })
  return logits.device.scope(() => sampleCategorical(samplingDistribution(logits, sampling), { seed, offset }))
}

/**
 * The id that `sampleTokens` drew, as it was read.
 *
 * @throws OutriderError NOT_FINITE where there was nothing to draw from
 */
export function drawnToken(id: number): number {
  if (id !== noToken) return id
  throw notFiniteLogits('The model')
}

/** The error for a model, "The draft" for one, whose logits tokens cannot be drawn from. */
export const notFiniteLogits = (model: string): OutriderError =>
  new OutriderError('NOT_FINITE', `${model} computes logits that are no numbers (NaN or infinite).`, {
    remedy: 'A weight is damaged, or too large for its dtype: check where the model comes from, or load it as f32.',
    details: { model },
  })

/** Whether it says that there was nothing to draw a sequence's next token from: other sequences are none the worse. */
export const isNotFinite = (error: unknown): error is OutriderError =>
  error instanceof OutriderError && error.code === 'NOT_FINITE'
