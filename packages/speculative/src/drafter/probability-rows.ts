import { defineKernel, linearWorkgroups, samplingDistribution, type Tensor } from '@outrider/tensor'
import type { Sampling } from '@outrider/transformer'
import fitColumnsSource from './fit-columns.wgsl'
import oneHotSource from './one-hot.wgsl'

const oneHotKernel = defineKernel({ name: 'oneHot', source: oneHotSource })
const fitColumnsKernel = defineKernel({ name: 'fitColumns', source: fitColumnsSource })

/** Distributions [rows, columns] that are certain of one id a row, u32 [rows]; written to `y` where it is given. */
export function oneHot(ids: Tensor, columns: number, y = ids.device.empty([ids.size, columns])): Tensor {
  ids.device.run(oneHotKernel, {
    bindings: { ids, y },
    params: { count: y.size, columns },
    workgroups: linearWorkgroups(Math.ceil(y.size / 64)),
  })
  return y
}

/**
 * The distribution of logits [rows, V'] over the ids of a vocabulary of another size V, where either is padded: ids that
 * one of the two does not have get probability zero.
 *
 * @param sampling  of all rows, or of each
 * @returns f32 [rows, V]
 */
export function distributionOver(
  vocabularySize: number,
  logits: Tensor,
  sampling: Sampling | readonly Sampling[],
): Tensor {
  // Too many logits go before the softmax, missing ones come as zeros after it: no masked logits, no infinities.
  const probabilities = samplingDistribution(ofVocabulary(logits, vocabularySize), sampling)
  return probabilities.shape.at(-1)! < vocabularySize ? fitColumns(probabilities, vocabularySize) : probabilities
}

/** Logits [rows, V'] without those of ids that a vocabulary does not have. */
export function ofVocabulary(logits: Tensor, vocabularySize: number): Tensor {
  return logits.shape.at(-1)! > vocabularySize ? fitColumns(logits, vocabularySize) : logits
}

function fitColumns(x: Tensor, columns: number): Tensor {
  const y = x.device.empty([x.size / x.shape.at(-1)!, columns])
  x.device.run(fitColumnsKernel, {
    bindings: { x, y },
    params: { count: y.size, source: x.shape.at(-1)!, columns },
    workgroups: linearWorkgroups(Math.ceil(y.size / 64)),
  })
  return y
}
