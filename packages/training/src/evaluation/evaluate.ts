import type { Batch } from '@outrider/dataset'
import { OutriderError, readAll } from '@outrider/tensor'
import type { PretrainedModel, TrainableLM } from '@outrider/transformer'
import type { LogEntry } from '../loop/log'
import { type Objective, toDevice } from '../loop/objective'
import { simulatedBlocks } from './acceptance'

/**
 * Loss, α and simulated acceptance length of a model on held-out batches: means over all their positions and blocks, so that
 * they are the same however the rows are put into batches. A draft length that no row has room for has no figure.
 *
 * @throws OutriderError NOT_FINITE where the loss or α of a position that counts is NaN or infinite
 */
export async function evaluate(
  { model }: PretrainedModel<TrainableLM>,
  objective: Objective,
  batches: readonly Batch[],
  draftLengths: readonly number[] = [3, 5],
): Promise<Omit<LogEntry, 'step'>> {
  const { device, parameters } = model
  let loss = 0
  let rate = 0
  let count = 0
  let withTarget = false
  const simulated = draftLengths.map((gamma) => ({ gamma, tokens: 0, blocks: 0 }))
  for (const [i, batch] of batches.entries()) {
    if (batch.lossMask.every((weight) => weight === 0)) continue
    using _prepared = await objective.prepare?.([batch])
    const measured = device.scope(() => {
      const { losses, acceptanceRates } = objective.measure(parameters, toDevice(device, batch, i))
      return acceptanceRates ? [losses, acceptanceRates] : [losses]
    })
    const [losses, rates] = await readAll(measured)
    for (const tensor of measured) tensor.dispose()
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
    for (const sums of simulated) {
      const { tokens, blocks } = simulatedBlocks(rates, batch.lossMask, batch.length, sums.gamma)
      sums.tokens += tokens
      sums.blocks += blocks
    }
  }
  if (!withTarget) return { eval_loss: loss / count }
  const lengths = simulated.filter(({ blocks }) => blocks > 0)
  return {
    eval_loss: loss / count,
    eval_acceptance_rate: rate / count,
    eval_acceptance_length: Object.fromEntries(lengths.map(({ gamma, tokens, blocks }) => [gamma, tokens / blocks])),
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
