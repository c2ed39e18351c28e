import { type Counter, counter } from '../../device/advancing'
import { OutriderError } from '../../errors'
import { defineKernel } from '../../kernel/index'
import { philoxRandom, splitWords } from '../../random/philox'
import type { Tensor } from '../../tensor'
import { noLogit } from '../reduce/no-logit'
import { rowReduction } from '../reduce/row-reduction'
import source from './categorical.wgsl'
import { runOverRows } from './run-over-rows'

const kernel = defineKernel({ name: 'sampleCategorical', source, uses: [rowReduction, philoxRandom, noLogit] })

export interface SampleOptions {
  /** The key of the random numbers: a non-negative integer below 2⁵³. */
  seed: number
  /** The counter of row 0; row r uses `offset + r`. Default 0. */
  offset?: number | Counter
}

/**
 * Draws one column a row: the first whose cumulative probability passes `uniform01(seed, offset + row)`. The same seed and
 * offset draw the same token on any run; a token of probability 0 is never drawn.
 *
 * @param probabilities  f32 [rows, columns]; rows need not sum to 1
 * @returns u32 [rows]; `noToken` for a row with NaN, or without any mass. Not differentiable.
 * @throws OutriderError INVALID_ARGUMENT for a seed or offset out of range, DTYPE_MISMATCH if probabilities are not f32
 */
export function sampleCategorical(probabilities: Tensor, { seed, offset = 0 }: SampleOptions): Tensor {
  const first = typeof offset === 'number' ? counter(offset) : offset
  for (const [name, value] of Object.entries({ seed, offset: first.value }))
    if (!(Number.isSafeInteger(value) && value >= 0))
      throw new OutriderError(
        'INVALID_ARGUMENT',
        `sampleCategorical: ${name} must be a non-negative integer below 2⁵³, not ${value}.`,
      )
  if (probabilities.dtype !== 'f32')
    throw new OutriderError('DTYPE_MISMATCH', `sampleCategorical: the probabilities are ${probabilities.dtype}.`, {
      remedy: "cast(probabilities, 'f32') first.",
    })
  const { params, ...run } = runOverRows(probabilities)
  const ids = probabilities.device.empty([params.rows], 'u32')
  const [seedLow, seedHigh] = splitWords(seed)
  const [offsetLow, offsetHigh] = first.words()
  probabilities.device.run(kernel, {
    ...run,
    bindings: { probabilities, ids },
    params: { ...params, seedLow, seedHigh, offsetLow, offsetHigh },
  })
  return ids
}
