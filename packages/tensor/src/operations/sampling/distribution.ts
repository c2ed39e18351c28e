import { OutriderError, ShapeError } from '../../errors'
import { defineKernel, linearWorkgroups } from '../../kernel/index'
import type { Tensor } from '../../tensor'
import { argmax } from '../reduce/argmax'
import { noLogit } from '../reduce/no-logit'
import { rowReduction, rowReductionFor } from '../reduce/row-reduction'
import source from './distribution.wgsl'
import greedySource from './greedy.wgsl'
import { runOverRows } from './run-over-rows'

const kernel = defineKernel({ name: 'samplingDistribution', source, uses: [rowReduction, noLogit] })
/** As far below the largest logit as nothing is. */
const none = -3.4e38

const greedyKernel = defineKernel({ name: 'greedyDistribution', source: greedySource })

export interface SamplingDistributionOptions {
  /** What logits are divided by; 0 is greedy: all of the probability on the largest logit, the lowest index of several. */
  temperature: number
  /** Only tokens at least so likely, as a share of the likeliest one's probability, stay. Left out or 0: all. */
  minP?: number | undefined
  /** Only the k largest logits stay; among equals the lowest indices. Left out or 0: all. */
  topK?: number | undefined
  /** Only the smallest set of likeliest tokens whose probability reaches p stays, one at least. Left out or 1: all. */
  topP?: number | undefined
}

/**
 * The distribution that tokens are drawn from: logits divided by the temperature, of them those that are at least
 * min-p times as likely as the likeliest (Nguyen et al. 2024, arXiv 2407.01082), the k largest, softmax, the smallest set of
 * likeliest tokens whose probability reaches p (Holtzman et al. 2020, arXiv 1904.09751), renormalised; the order is that of vLLM,
 * and without min-p also that of transformers' warpers. Among equal logits the lowest indices stay: top-k keeps exactly k.
 *
 * @param logits   f32 [rows, vocabulary]; −∞ has no probability
 * @param options  of all rows, or of each its own: then a row has the bits that it has alone
 * @returns f32 [rows, vocabulary], each row summing to 1; what is cut is exactly 0. A row with NaN or +∞, or with
 *   nothing but −∞, has no distribution: it is NaN throughout. Not differentiable.
 * @throws OutriderError INVALID_ARGUMENT for a temperature, min-p, k or p that has no meaning, DTYPE_MISMATCH if logits are not f32;
 *   ShapeError where there are not as many options as rows
 */
export function samplingDistribution(
  logits: Tensor,
  options: SamplingDistributionOptions | readonly SamplingDistributionOptions[],
): Tensor {
  assertFloats(logits)
  const { device } = logits
  const { params, workgroups } = runOverRows(logits)
  const { rows, columns } = params
  if (!isByRow(options) && checked(options).temperature === 0) return greedyDistribution(logits)
  const settings = (isByRow(options) ? options : [options]).map((each) => settingsOf(checked(each), columns))
  if (isByRow(options) && settings.length !== rows)
    throw new ShapeError('samplingDistribution', [logits.shape, [settings.length]], 'must have options for each row')
  using own = isByRow(options) ? device.tensor(Float32Array.from(settings.flatMap(Object.values))) : null // [rows, 5]
  const probabilities = device.empty(logits.shape)
  device.run(kernel, {
    // What is not given is bound, and not read.
    bindings: { logits, settings: own ?? logits, probabilities },
    params: { ...params, byRow: own ? 1 : 0, ...settings[0]! },
    forms: [rowReductionFor(columns, device.capabilities, { steering: true })],
    workgroups,
  })
  return probabilities
}

function greedyDistribution(logits: Tensor): Tensor {
  const probabilities = logits.device.empty(logits.shape)
  using ids = argmax(logits, { logits: true })
  logits.device.run(greedyKernel, {
    bindings: { ids, probabilities },
    params: { count: logits.size, columns: logits.shape.at(-1)! },
    workgroups: linearWorkgroups(Math.ceil(logits.size / 64)),
  })
  return probabilities
}

const isByRow = (
  options: SamplingDistributionOptions | readonly SamplingDistributionOptions[],
): options is readonly SamplingDistributionOptions[] => Array.isArray(options)

/** What the kernel knows of a row, in its order. */
function settingsOf({ temperature, minP = 0, topK = 0, topP = 1 }: SamplingDistributionOptions, columns: number) {
  // The largest logit alone, at any temperature.
  if (temperature === 0) return { reach: none, topK: 1, topP: 1, temperature: 1, inverse: 1 }
  const divisor = Math.min(Math.max(temperature, 1e-30), 1e30) // 200 times it and its inverse are f32 numbers
  return {
    // (x − largest) / temperature ≥ ln min-p
    reach: minP > 0 ? Math.max(divisor * Math.log(minP), none) : none,
    topK: Math.min(topK || columns, columns),
    topP,
    temperature: divisor,
    inverse: 1 / divisor,
  }
}

function assertFloats({ dtype }: Tensor): void {
  if (dtype === 'f32') return
  throw new OutriderError('DTYPE_MISMATCH', `samplingDistribution: the logits are ${dtype}.`, {
    remedy: "cast(logits, 'f32') first.",
  })
}

function checked(options: SamplingDistributionOptions): SamplingDistributionOptions {
  const { temperature, minP = 0, topK = 0, topP = 1 } = options
  const invalid = (what: string) => new OutriderError('INVALID_ARGUMENT', `samplingDistribution: ${what}.`)
  if (!(temperature >= 0 && Number.isFinite(temperature)))
    throw invalid(`temperature must be 0 or more, not ${temperature}`)
  if (!(minP >= 0 && minP <= 1)) throw invalid(`minP must be in [0, 1], not ${minP}`)
  if (!(Number.isInteger(topK) && topK >= 0)) throw invalid(`topK must be a whole number, 0 for all, not ${topK}`)
  if (!(topP > 0 && topP <= 1)) throw invalid(`topP must be in (0, 1], not ${topP}`)
  return options
}
