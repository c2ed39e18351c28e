import { OutriderError } from '@outrider/tensor'
import type { StoredCoverage } from '../model/index'
import { faultOfVocabulary } from './draft-vocabulary'
import { endsOfText } from './ends-of-text'
import type { StoredParameter } from './joined-weights'
import type { OpenedModel } from './opened-model'
import type { Weights } from './weights'

const head = 'lm_head.weight'

/**
 * An opened model whose head covers some ids alone: those of a list, or all that it says itself.
 *
 * @param ids  ascending; the ends of text join them. Absent: as it says itself
 * @throws OutriderError INVALID_ARGUMENT for what is no such list
 */
export function trimmed({ coveredIds, ...opened }: OpenedModel, ids?: readonly number[]): OpenedModel {
  const { config } = opened
  const covered = ids ? vocabularyOf(ids, opened) : coveredIds
  if (!covered || covered.length === config.vocabularySize) return opened
  return {
    ...opened,
    config: { ...config, coveredIds: covered },
    weights: config.tieWordEmbeddings ? opened.weights : coveredWeights(opened.weights, { ids: covered, weight: head }),
  }
}

/**
 * The ids that a draft is to say: those that are given, and the ends of text.
 *
 * @throws OutriderError INVALID_ARGUMENT for ids that do not ascend, or are none of the vocabulary's
 */
export function vocabularyOf(
  ids: readonly number[],
  model: Pick<OpenedModel, 'config' | 'generationConfig'>,
): readonly number[] {
  const { vocabularySize } = model.config
  const fault = faultOfVocabulary(ids, { vocabularySize, eosTokenIds: [] })
  if (fault)
    throw new OutriderError('INVALID_ARGUMENT', `The vocabulary of a draft: ${fault}.`, {
      remedy: 'frequentIds of @outrider/dataset gives such a list.',
    })
  return [...new Set([...ids, ...endsOfText(model)])].sort((a, b) => a - b)
}

/** Weights in which the head has the rows of covered ids alone. */
export function coveredWeights(weights: Weights, { ids, weight }: Omit<StoredCoverage, 'vocabularySize'>): Weights {
  const whole = weight === undefined ? undefined : weights.tensors.get(weight)
  const height = whole?.shape[0]
  // What is not as high as a vocabulary with these ids is for the check of shapes to refuse.
  if (!whole || !height || height <= ids.at(-1)!) return weights
  const shape = [ids.length, ...whole.shape.slice(1)]
  const rowBytes = whole.bytes / height
  const tensors = new Map(weights.tensors).set(weight!, { ...whole, shape, bytes: rowBytes * ids.length })
  return {
    ...weights,
    tensors,
    async read(name, rows) {
      if (name !== weight) return weights.read(name, rows)
      const { first, count } = rows ?? { first: 0, count: ids.length }
      const wanted = ids.slice(first, first + count)
      const bytes = new Uint8Array(rowBytes * count)
      for (let at = 0; at < count; ) {
        const end = endOfRun(wanted, at)
        const start = wanted[at]!
        const run = await weights.read(name, { first: start, count: wanted[end - 1]! + 1 - start })
        for (; at < end; at++) {
          const from = (wanted[at]! - start) * rowBytes
          bytes.set(run.subarray(from, from + rowBytes), at * rowBytes)
        }
      }
      return bytes
    },
  }
}

/** The most rows from one id to the next that are read with them: fewer reads for more bytes. */
const nearRows = 8

/** Where the ids that are read at once with the one at `at` end. */
function endOfRun(ids: readonly number[], at: number): number {
  let end = at + 1
  while (end < ids.length && ids[end]! - ids[end - 1]! <= nearRows) end++
  return end
}

/**
 * Stored parameters in which the head has a row for every id again. Rows of ids that it does not cover are the mean of the
 * others: their logit is the mean of the covered ones, and so never the greatest.
 */
export function wholeHead(
  parameters: readonly StoredParameter[],
  covered: StoredCoverage | undefined,
): StoredParameter[] {
  return parameters.map((parameter) => {
    if (!covered || parameter.name !== covered.weight) return parameter
    const { ids, vocabularySize } = covered
    const width = parameter.shape[1]!
    return {
      ...parameter,
      shape: [vocabularySize, width],
      async values() {
        const rows = await parameter.values() // [covered, width]
        const whole = new Float32Array(vocabularySize * width)
        const mean = meanRow(rows, width)
        for (let id = 0; id < vocabularySize; id++) whole.set(mean, id * width)
        for (const [at, id] of ids.entries()) whole.set(rows.subarray(at * width, (at + 1) * width), id * width)
        return whole
      },
    }
  })
}

function meanRow(rows: Float32Array, width: number): Float32Array {
  const sums = new Float64Array(width)
  for (const [i, value] of rows.entries()) sums[i % width]! += value
  return Float32Array.from(sums, (sum) => (sum * width) / rows.length)
}
