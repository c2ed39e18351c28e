import { OutriderError } from '../../errors'
import { defineKernel, linearWorkgroups } from '../../kernel'
import type { Tensor } from '../../tensor'
import { argmax } from '../reduce/argmax'
import { runOverRows } from '../rows/softmax'
import source from './distribution.wgsl'
import greedySource from './greedy.wgsl'

const kernel = defineKernel({ name: 'samplingDistribution', source })
const greedyKernel = defineKernel({ name: 'greedyDistribution', source: greedySource })

export interface SamplingDistributionOptions {
  /** What logits are divided by; 0 is greedy: all of the probability on the largest logit, the lowest index of several. */
  temperature: number
  /** Only the k largest logits stay; among equals the lowest indices. Left out or 0: all. */
  topK?: number | undefined
  /** Only the smallest set of likeliest tokens whose probability reaches p stays, one at least. Left out or 1: all. */
  topP?: number | undefined
}

/**
 * The distribution that tokens are drawn from, in the order of transformers' warpers: temperature, top-k, top-p (Holtzman
 * et al. 2020, arXiv 1904.09751).
 *
 * @param logits  f32 [rows, vocabulary]
 * @returns f32 [rows, vocabulary], each row summing to 1; what is cut is exactly 0. Not differentiable.
 * @throws OutriderError INVALID_ARGUMENT for a temperature, k or p that has no meaning
 */
export function samplingDistribution(logits: Tensor, { temperature, topK, topP }: SamplingDistributionOptions): Tensor {
  const invalid = (what: string) => new OutriderError('INVALID_ARGUMENT', `samplingDistribution: ${what}.`)
  if (!(temperature >= 0 && Number.isFinite(temperature)))
    throw invalid(`temperature must be 0 or more, not ${temperature}`)
  if (topK !== undefined && !(Number.isInteger(topK) && topK >= 0))
    throw invalid(`topK must be a whole number, not ${topK}`)
  if (topP !== undefined && !(topP > 0 && topP <= 1)) throw invalid(`topP must be in (0, 1], not ${topP}`)
  const { device } = logits
  const run = runOverRows(logits)
  const probabilities = device.empty(logits.shape)
  if (temperature === 0) {
    using ids = argmax(logits)
    device.run(greedyKernel, {
      bindings: { ids, probabilities },
      params: { count: logits.size, columns: run.params.columns },
      workgroups: linearWorkgroups(Math.ceil(logits.size / 64)),
    })
    return probabilities
  }
  device.run(kernel, {
    ...run,
    bindings: { logits, probabilities },
    params: {
      ...run.params,
      temperature: Math.max(temperature, 1e-6),
      topK: topK || run.params.columns,
      topP: topP ?? 1,
    },
  })
  return probabilities
}
