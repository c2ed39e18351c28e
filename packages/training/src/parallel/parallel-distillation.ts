import {
  type DistillationLoss,
  distillationLossOfHeads,
  labelCrossEntropy,
  pooledSumsOfHeads,
  type RowLoss,
  rowMean,
} from '@outrider/losses'
import { multiply, putRows, type Tensor, takeRows } from '@outrider/tensor'
import type { ModelParameters, TrainableLM } from '@outrider/transformer'
import { hostOf } from '../loop/head'
import type { DeviceBatch, MeasuredBlocks, Objective } from '../loop/objective'
import { drawnGroups, groupSeed, type MaskGroup, spacedGroups } from './groups'
import { type ParallelHeads, parallelHeads, type TaughtHeads } from './heads'
import { type ParallelLayout, parallelLayout } from './layout'
import { type ParallelOptions, parallelSettings, rowLossOf } from './options'
import { positionSums, reachedRows } from './reached'

/**
 * Distillation of a draft that proposes K tokens in one pass (PARD, An et al. 2025, arXiv 2504.18583): beside the rows of the
 * ordinary text, which stay, those of K − 1 masks behind some of its places, the k-th of which learns what the target says k places
 * further on. In a step of several batches each has the weight of its places that count.
 *
 * @param heads  draft and target, by the draft's parameters
 * @throws OutriderError INVALID_ARGUMENT for options out of range, a draft without a mask token, a loss that is no row loss
 */
export function parallelDistillation(
  given: DistillationLoss,
  heads: (parameters: ModelParameters) => TaughtHeads,
  { config }: Pick<TrainableLM, 'config'>,
  options: ParallelOptions,
): Pick<Objective, 'settings' | 'loss' | 'pool' | 'measure'> {
  const loss = rowLossOf(given)
  const settings = parallelSettings(options, config)
  const { draftLength, maskTokenId, seed, weighting, decayFactor } = settings
  const laidOut = (
    batch: DeviceBatch,
    groupsOf: (counts: Float32Array, row: number) => MaskGroup[],
  ): ParallelLayout => {
    const { lossMask, batchSize, length } = batch
    const groups = Array.from({ length: batchSize }, (_, row) =>
      groupsOf(lossMask.subarray(row * length, (row + 1) * length), row),
    )
    return parallelLayout(hostOf(batch), groups, maskTokenId)
  }
  const inputs = (parameters: ModelParameters, batch: DeviceBatch): ParallelHeads => {
    const { seed: step, firstRow = 0, length } = batch
    const layout = laidOut(batch, (counts, row) =>
      drawnGroups(counts, settings, groupSeed(seed, step, firstRow + row * length)),
    )
    const read = parallelHeads(heads(parameters), batch, layout, {
      draftLength,
      weightOf: (masks) => (weighting === 'decay' ? decayFactor ** masks : 1),
    })
    return weighting === 'reach' ? weightedByReach(loss, read) : read
  }
  return {
    settings: { parallel: { ...settings } },
    loss(parameters, batch) {
      const read = inputs(parameters, batch)
      const result = distillationLossOfHeads(loss, { ...read, byRow: true })
      const rates = result.acceptanceRates!
      const positions = positionSums(rates, reachedRows(rates, read.before), read.masks, draftLength)
      // Of the first position alone: what other drafts are compared by.
      const aux = { ...result.statistics, acceptance_rate: rowMean(rates, read.ordinary) }
      return { value: result.value, aux, positions }
    },
    ...(loss.pool && { pool: (parameters, batch) => pooledSumsOfHeads(loss, inputs(parameters, batch))! }),
    measure(parameters, batch) {
      const layout = laidOut(batch, (counts) => spacedGroups(counts, draftLength))
      const read = parallelHeads(heads(parameters), batch, layout, { draftLength })
      const { losses, acceptanceRates } = labelCrossEntropy.rows(read)
      const { device } = losses
      const rows = device.tensor(read.tokenRows)
      const places = device.tensor(read.tokenRows.map((row) => layout.places[read.numbers[row]!]!))
      const ofPlaces = (figures: Tensor) => putRows(takeRows(figures, rows), places, batch.labels.size)
      const blocks = measuredBlocks(acceptanceRates!, read.blocks, draftLength)
      return { losses: ofPlaces(losses), acceptanceRates: ofPlaces(acceptanceRates!), blocks }
    },
  }
}

/** The same rows, each weighted by the probability that its block gets there with the draft as it is. */
function weightedByReach(loss: RowLoss, read: ParallelHeads): ParallelHeads {
  const { acceptanceRates } = loss.rows(read)
  return { ...read, mask: multiply(read.mask!, reachedRows(acceptanceRates!, read.before)) }
}

/** α of blocks of rows, as evaluation reads them. */
function measuredBlocks(rates: Tensor, blocks: readonly (readonly number[])[], draftLength: number): MeasuredBlocks {
  const lengths = blocks.map(({ length }) => length)
  if (blocks.length === 0) return { acceptanceRates: rates, draftLength, lengths }
  const filledUp = blocks.flatMap((rows) => Array.from({ length: draftLength }, (_, k) => rows[k] ?? rows[0]!))
  return {
    acceptanceRates: takeRows(rates, rates.device.tensor(Uint32Array.from(filledUp))),
    draftLength,
    lengths,
  }
}
