import { type Counter, counter } from '../../device/advancing'
import { OutriderError, ShapeError } from '../../errors'
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

/** How one row is drawn. */
export interface RowSampleOptions {
  /** As for all rows. */
  seed: number
  /** The row's counter. Default 0. */
  offset?: number
}

/**
 * Draws one column a row: the first whose cumulative probability passes `uniform01(seed, offset + row)`, or by options of its own
 * `uniform01(seed, offset)`. The same seed and offset draw the same token on any run; a token of probability 0 is never drawn.
 *
 * @param probabilities  f32 [rows, columns]; rows need not sum to 1
 * @param options        of all rows, or of each its own
 * @returns u32 [rows]; `noToken` for a row with NaN, or without any mass. Not differentiable.
 * @throws OutriderError INVALID_ARGUMENT for a seed or offset out of range, DTYPE_MISMATCH if probabilities are not f32; ShapeError
 *   where there are not as many options as rows
 */
export function sampleCategorical(probabilities: Tensor, options: SampleOptions | readonly RowSampleOptions[]): Tensor {
  const { device } = probabilities
  if (probabilities.dtype !== 'f32')
    throw new OutriderError('DTYPE_MISMATCH', `sampleCategorical: the probabilities are ${probabilities.dtype}.`, {
      remedy: "cast(probabilities, 'f32') first.",
    })
  const { params, ...run } = runOverRows(probabilities)
  const ids = device.empty([params.rows], 'u32')
  if (isByRow(options)) {
    if (options.length !== params.rows)
      throw new ShapeError(
        'sampleCategorical',
        [probabilities.shape, [options.length]],
        'must have options for each row',
      )
    const words = options.flatMap(({ seed, offset = 0 }) => [
      ...splitWords(checked('seed', seed)),
      ...splitWords(checked('offset', offset)),
    ])
    using draws = device.tensor(Uint32Array.from(words)) // [rows, 4]
    const none = { seedLow: 0, seedHigh: 0, offsetLow: 0, offsetHigh: 0 }
    device.run(kernel, {
      ...run,
      bindings: { probabilities, draws, ids },
      params: { ...params, ...none, byRow: 1 },
    })
    return ids
  }
  const { seed, offset = 0 } = options
  const first = typeof offset === 'number' ? counter(offset) : offset
  const [seedLow, seedHigh] = splitWords(checked('seed', seed))
  checked('offset', first.value)
  const [offsetLow, offsetHigh] = first.words()
  device.run(kernel, {
    ...run,
    // What is not given is bound, and not read.
    bindings: { probabilities, draws: probabilities, ids },
    params: { ...params, seedLow, seedHigh, offsetLow, offsetHigh, byRow: 0 },
  })
  return ids
}

const isByRow = (options: SampleOptions | readonly RowSampleOptions[]): options is readonly RowSampleOptions[] =>
  Array.isArray(options)

function checked(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new OutriderError(
    'INVALID_ARGUMENT',
    `sampleCategorical: ${name} must be a non-negative integer below 2⁵³, not ${value}.`,
  )
}
