import { OutriderError } from '../../errors'
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
 * @param logits  f32 [rows, vocabulary]; −∞ has no probability
 * @returns f32 [rows, vocabulary], each row summing to 1; what is cut is exactly 0. A row with NaN or +∞, or with
 *   nothing but −∞, has no distribution: it is NaN throughout. Not differentiable.
 * @throws OutriderError INVALID_ARGUMENT for a temperature, min-p, k or p that has no meaning, DTYPE_MISMATCH if logits are not f32
 */
export function samplingDistribution(
  logits: Tensor,
  { temperature, minP = 0, topK = 0, topP = 1 }: SamplingDistributionOptions,
): Tensor {
  checkSettings(logits, { temperature, minP, topK, topP })
  const { device } = logits
  const { params, workgroups } = runOverRows(logits)
  const probabilities = device.empty(logits.shape)
  if (temperature === 0) {
    using ids = argmax(logits, { logits: true })
    device.run(greedyKernel, {
      bindings: { ids, probabilities },
      params: { count: logits.size, columns: params.columns },
      workgroups: linearWorkgroups(Math.ceil(logits.size / 64)),
    })
    return probabilities
  }
  const divisor = Math.min(Math.max(temperature, 1e-30), 1e30) // 200 times it and its inverse are f32 numbers
  device.run(kernel, {
    bindings: { logits, probabilities },
    params: {
      ...params,
      // (x − largest) / temperature ≥ ln min-p
      reach: minP > 0 ? Math.max(divisor * Math.log(minP), none) : none,
      topK: Math.min(topK || params.columns, params.columns),
      topP,
      temperature: divisor,
      inverse: 1 / divisor,
    },
    forms: [rowReductionFor(params.columns, device.capabilities, { steering: true })],
    workgroups,
  })
  return probabilities
}

function checkSettings(
  logits: Tensor,
  { temperature, minP, topK, topP }: Record<'temperature' | 'minP' | 'topK' | 'topP', number>,
): void {
  const invalid = (what: string) => new OutriderError('INVALID_ARGUMENT', `samplingDistribution: ${what}.`)
  if (logits.dtype !== 'f32')
    throw new OutriderError('DTYPE_MISMATCH', `samplingDistribution: the logits are ${logits.dtype}.`, {
      remedy: "cast(logits, 'f32') first.",
    })
  if (!(temperature >= 0 && Number.isFinite(temperature)))
    throw invalid(`temperature must be 0 or more, not ${temperature}`)
  if (!(minP >= 0 && minP <= 1)) throw invalid(`minP must be in [0, 1], not ${minP}`)
  if (!(Number.isInteger(topK) && topK >= 0)) throw invalid(`topK must be a whole number, 0 for all, not ${topK}`)
  if (!(topP > 0 && topP <= 1)) throw invalid(`topP must be in (0, 1], not ${topP}`)
}
