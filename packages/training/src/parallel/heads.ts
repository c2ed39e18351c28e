import { type Tensor, takeRows } from '@outrider/tensor'
import { asMatrix, asTold, type HeadsOfBatch, hostOf, type ReadHeads } from '../loop/head'
import type { DeviceBatch } from '../loop/objective'
import { readPositions } from '../states/read-positions'
import type { ParallelLayout } from './layout'

/** What is asked of a draft and its target. */
export interface TaughtHeads extends HeadsOfBatch {
  target: NonNullable<HeadsOfBatch['target']>
}

/** What a loss of a layout is computed from, a row a token or mask that it reads. `numbers` are those in the layout. */
export interface ParallelHeads extends ReadHeads {
  /** u32 [rows]: the row before each in its block, its own where it is the first. */
  before: Tensor
  /** u32 [rows]: masks up to each; `none` where it does not count. */
  masks: Tensor
  /** f32 [rows]: 1 for tokens that count, 0 for masks. */
  ordinary: Tensor
  /** The rows of tokens that count. */
  tokenRows: Uint32Array
  /** The rows of every block: an anchor's, and its masks' in order. */
  blocks: number[][]
}

/** In `ParallelHeads.masks`: the row does not count. */
const none = 2 ** 32 - 1

/**
 * What `headInputs` gives of a batch, of its layout: a mask's row is compared with what the target says at the same place of the
 * ordinary text, so that the target reads nothing more.
 *
 * @param weightOf  what a row counts by its masks up to itself
 */
export function parallelHeads(
  { draft, target, reading }: TaughtHeads,
  batch: DeviceBatch,
  layout: ParallelLayout,
  { draftLength, weightOf = () => 1 }: { draftLength: number; weightOf?: (masks: number) => number },
): ParallelHeads {
  const { device } = batch.tokens
  const { batchSize, length } = layout
  const { numbers, perSequence } = readPositions({ ...layout, drawn: batch.drawn }, reading)
  const tokens = device.tensor(layout.tokens, { shape: [batchSize, length] })
  const hidden = draft.model.trainingHidden(draft.parameters, tokens, {
    ...draft.options,
    places: {
      positions: device.tensor(layout.positions),
      visibility: device.tensor(layout.visibility, { shape: [batchSize, length, 3] }),
      context: batch.length,
    },
  })
  const head = draft.model.head(draft.parameters)
  const { numbers: said, ...told } = target.states.of(target.model, hostOf(batch), reading, head.covered)
  const rowOf = new Map(Array.from(said, (place, row) => [place, row]))
  // What does not count is compared with anything.
  const places = device.tensor(numbers.map((at) => rowOf.get(layout.places[at]!) ?? 0))
  const inRows = new Map(Array.from(numbers, (at, row) => [at, row]))
  const before = numbers.map((at, row) => inRows.get(layout.before[at]!) ?? row)
  const masks = numbers.map((at) => (layout.lossMask[at] === 0 ? none : layout.masks[at]!))
  return {
    draft: { hidden: takeRows(asMatrix(hidden), device.tensor(numbers)), head },
    target: asTold(target.model, told, (x) => takeRows(x, places)),
    labels: takeRows(batch.labels, device.tensor(numbers.map((at) => layout.places[at]!))),
    mask: device.tensor(Float32Array.from(masks, (count) => (count === none ? 0 : weightOf(count)))),
    sequenceLength: perSequence,
    pooled: batch.pooled,
    seed: batch.seed,
    firstRow: (batch.countedBefore ?? 0) * draftLength, // no position has more rows
    numbers,
    before: device.tensor(before),
    masks: device.tensor(masks),
    ordinary: device.tensor(Float32Array.from(masks, (count) => (count === 0 ? 1 : 0))),
    tokenRows: Uint32Array.from([...masks.keys()].filter((row) => masks[row] === 0)),
    blocks: blocksOf(masks, before),
  }
}

function blocksOf(masks: Uint32Array, before: Uint32Array): number[][] {
  const blocks = new Map<number, number[]>() // by their last row so far
  for (const [row, count] of masks.entries()) {
    if (count === 0 || count === none) continue
    const last = before[row]!
    const block = count === 1 ? [last] : blocks.get(last)!
    if (count > 1) blocks.delete(last)
    blocks.set(row, [...block, row])
  }
  return [...blocks.values()]
}
