import type { HeadInputs, RowFigures } from '@outrider/losses'
import { type CoveredIds, putRows, type Tensor, takeRows } from '@outrider/tensor'
import {
  type CausalLM,
  hasHiddenStates,
  type ModelParameters,
  type PretrainedModel,
  type TrainableLM,
  type TrainingPassOptions,
} from '@outrider/transformer'
import { type HostBatch, type Reading, readPositions } from '../states/read-positions'
import type { StatesOfBatch, TargetStates } from '../states/target-states'
import type { DeviceBatch } from './objective'

/** What is asked of a draft and, where there is one, of its target. */
export interface HeadsOfBatch {
  draft: { model: TrainableLM; parameters: ModelParameters; options: TrainingPassOptions }
  target?: { model: PretrainedModel<CausalLM>; states: TargetStates } | undefined
  reading: Reading
}

/** What a loss is computed from, and the numbers in the batch of the positions that it is of. */
export interface ReadHeads extends HeadInputs {
  numbers: Uint32Array
}

/**
 * What a loss is computed from: hidden states, and the heads that read them, of the positions that it reads, a row a position.
 * The others have passed through the draft's layers, whose attention looks at them, and end there.
 */
export function headInputs({ draft, target, reading }: HeadsOfBatch, batch: DeviceBatch): ReadHeads {
  const { tokens, labels, mask, seed, pooled, firstRow, countedBefore } = batch
  const { numbers, perSequence } = readPositions(hostOf(batch), reading)
  const hidden = draft.model.trainingHidden(draft.parameters, tokens, draft.options)
  const rows = areAll(numbers, batch) ? undefined : hidden.device.tensor(numbers) // u32 [rows]
  const read = (x: Tensor) => (rows ? takeRows(x, rows) : x)
  const head = draft.model.head(draft.parameters)
  return {
    draft: { hidden: read(asMatrix(hidden)), head },
    target: target && fixedHead(target, batch, { reading, numbers, covered: head.covered }),
    labels: read(labels),
    mask: read(mask),
    sequenceLength: perSequence,
    pooled,
    seed,
    firstRow: reading === 'learnt' ? countedBefore : firstRow,
    numbers,
  }
}

/** Figures of the positions that were read as those of all positions of the batch: 0 for the others. */
export function ofAllPositions(
  { losses, acceptanceRates }: RowFigures,
  batch: DeviceBatch,
  numbers: Uint32Array,
): RowFigures {
  const all = batch.labels.size
  if (areAll(numbers, batch)) return { losses, ...(acceptanceRates && { acceptanceRates }) }
  const rows = losses.device.tensor(numbers)
  return {
    losses: putRows(losses, rows, all),
    ...(acceptanceRates && { acceptanceRates: putRows(acceptanceRates, rows, all) }),
  }
}

/** What the target says of the positions that are read; of those that do not count, where there are any, zeros. */
function fixedHead(
  { model: target, states }: NonNullable<HeadsOfBatch['target']>,
  batch: DeviceBatch,
  { reading, numbers, covered }: { reading: Reading; numbers: Uint32Array; covered: CoveredIds | undefined },
): NonNullable<HeadInputs['target']> {
  const { device } = target.model
  const { numbers: said, ...told } = states.of(target, hostOf(batch), reading, covered)
  if (said.length === numbers.length) return asTold(target, told)
  const places = device.tensor(placesIn(numbers, said))
  return asTold(target, told, (x) => putRows(x, places, numbers.length))
}

/**
 * What the target's states are to a loss.
 *
 * @param rows  those that are wanted of what is of the positions
 */
export function asTold(
  { model }: PretrainedModel<CausalLM>,
  { states, covered }: Omit<StatesOfBatch, 'numbers'>,
  rows: (x: Tensor) => Tensor = (x) => x,
): NonNullable<HeadInputs['target']> {
  if (!hasHiddenStates(model)) return { logits: rows(states) }
  if (!covered) return { hidden: rows(states), head: model.head() }
  return { hidden: rows(states), head: covered.head, logNormalizers: rows(covered.logNormalizers) }
}

/** Whether all positions are read, in their order: they may all be there in another. */
const areAll = (numbers: Uint32Array, { labels }: DeviceBatch): boolean =>
  numbers.length === labels.size && numbers.every((number, i) => number === i)

/** Where numbers are among others, of which they are some, in the same order. */
function placesIn(numbers: Uint32Array, some: Uint32Array): Uint32Array {
  let at = 0
  return some.map((number) => {
    while (numbers[at] !== number) at++
    return at
  })
}

/** What is known of a batch on the host. */
export const hostOf = ({ tokenIds, lossMask, batchSize, length, drawn }: DeviceBatch): HostBatch => ({
  tokens: tokenIds,
  lossMask,
  batchSize,
  length,
  drawn,
})

export function asMatrix(x: Tensor): Tensor {
  const width = x.shape.at(-1)!
  return x.reshape([x.size / width, width])
}
