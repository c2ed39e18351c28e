import type { Batch } from '@outrider/dataset'
import { OutriderError, readAll } from '@outrider/tensor'
import type { PretrainedModel, TrainableLM } from '@outrider/transformer'
import type { LogEntry } from '../loop/log'
import { type Objective, toDevice } from '../loop/objective'
import { addBlocks, positionFigures } from '../parallel/figures'
import { simulatedBlocks } from './acceptance'

/**
 * Loss, α and simulated acceptance length of a model on held-out batches: means over all their positions and blocks, so that
 * they are the same however the rows are put into batches. A draft length that no row has room for has no figure. Of a parallel
 * draft acceptance lengths are those of blocks that it proposes at once.
 *
 * @throws OutriderError NOT_FINITE where the loss or α of a position that counts is NaN or infinite
 */
export async function evaluate(
  { model }: PretrainedModel<TrainableLM>,
  objective: Objective,
  batches: readonly Batch[],
  draftLengths?: readonly number[] | undefined,
): Promise<Omit<LogEntry, 'step'>> {
  const { device, parameters } = model
  let loss = 0
  let rate = 0
  let count = 0
  let withTarget = false
  let simulated: { gamma: number; tokens: number; blocks: number }[] | undefined
  let positions: Float64Array | undefined // of blocks that are proposed at once
  for (const [i, batch] of batches.entries()) {
    if (batch.lossMask.every((weight) => weight === 0)) continue
    using _prepared = await objective.prepare?.([batch])
    const { figures, blocks } = device.scope(() => {
      const { losses, acceptanceRates, blocks } = objective.measure(parameters, toDevice(device, batch, i))
      const figures = [losses, acceptanceRates, blocks?.acceptanceRates].filter((tensor) => tensor !== undefined)
      return { figures, blocks }
    })
    const [losses, rates, ofBlocks] = await readAll(figures)
    for (const tensor of figures) tensor.dispose()
    for (const [at, weight] of batch.lossMask.entries()) {
      if (weight === 0) continue
      if (!Number.isFinite(losses![at]) || (rates && !Number.isFinite(rates[at])))
        throw notFinite(i, Math.floor(at / batch.length), at % batch.length, { loss: losses![at], rate: rates?.[at] })
      count += weight
      loss += weight * losses![at]!
      if (rates) rate += weight * rates[at]!
    }
    if (!rates) continue
    withTarget = true
    if (blocks) {
      positions ??= new Float64Array(3 * blocks.draftLength)
      addBlocks(positions, ofBlocks!, blocks)
      continue
    }
    simulated ??= (draftLengths ?? [3, 5]).map((gamma) => ({ gamma, tokens: 0, blocks: 0 }))
    for (const sums of simulated) {
      const { tokens, blocks } = simulatedBlocks(rates, batch.lossMask, batch.length, sums.gamma)
      sums.tokens += tokens
      sums.blocks += blocks
    }
  }
  if (!withTarget) return { eval_loss: loss / count }
  const means = { eval_loss: loss / count, eval_acceptance_rate: rate / count }
  if (positions) return { ...means, ...figuresOfBlocks(positions, draftLengths) }
  const lengths = simulated!.filter(({ blocks }) => blocks > 0)
  return {
    ...means,
    eval_acceptance_length: Object.fromEntries(lengths.map(({ gamma, tokens, blocks }) => [gamma, tokens / blocks])),
  }
}

/** Of blocks that are proposed at once: by position, and at draft lengths up to the longest that there was room for, or there. */
function figuresOfBlocks(
  positions: Float64Array,
  draftLengths: readonly number[] | undefined,
): Pick<LogEntry, 'eval_acceptance_length' | 'eval_parallel'> {
  const eval_parallel = positionFigures(positions)
  const lengths = eval_parallel.acceptance_lengths // of 1, 2 and so on
  const wanted = (draftLengths ?? [lengths.length]).filter((gamma) => gamma >= 1 && gamma <= lengths.length)
  return {
    eval_acceptance_length: Object.fromEntries(wanted.map((gamma) => [gamma, lengths[gamma - 1]!])),
    eval_parallel,
  }
}

function notFinite(batch: number, row: number, position: number, figures: Record<string, number | undefined>) {
  return new OutriderError(
    'NOT_FINITE',
    `Held-out batch ${batch}, row ${row}, position ${position}: loss ${figures.loss}, acceptance rate ${figures.rate}.`,
    {
      remedy: 'The draft or its target computes what is no number: check their weights, or lower the learning rate.',
      details: { batch, row, position, ...figures },
    },
  )
}
