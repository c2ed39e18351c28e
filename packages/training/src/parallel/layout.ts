import type { HostBatch } from '../states/read-positions'
import type { MaskGroup } from './groups'

/**
 * A batch with masks behind its tokens: in every row its own tokens as they are, then group after group. All is by number in the
 * layout, [batchSize · length], row after row.
 */
export interface ParallelLayout {
  batchSize: number
  /** Tokens a row, with its masks and what fills it up. */
  length: number
  tokens: Uint32Array
  /** A group's positions continue those of its prefix: the k-th mask behind place a is at a + k. */
  positions: Uint32Array
  /** As `attention` takes it, [batchSize · length, 3]: a mask sees the tokens up to its anchor, the masks before it and itself. */
  visibility: Uint32Array
  /** 1 where something is learnt. */
  lossMask: Float32Array
  /** The number in the batch of the place that each says the next token of, as it stands there: its label and q are that place's. */
  places: Uint32Array
  /** How many masks each has up to itself: 0 of tokens. */
  masks: Uint32Array
  /** The number of what stands before a mask in its block, its anchor or a mask; a token's own. */
  before: Uint32Array
}

/** Masks of a row are filled up to a multiple of this, so that few shapes occur. */
const masksStep = 8

/** @param groups  by row of the batch */
export function parallelLayout(
  batch: HostBatch,
  groups: readonly (readonly MaskGroup[])[],
  maskTokenId: number,
): ParallelLayout {
  const { batchSize, tokens, lossMask } = batch
  const masksOf = groups.map((ofRow) => ofRow.reduce((count, { masks }) => count + masks, 0))
  const length = batch.length + Math.ceil(Math.max(...masksOf) / masksStep) * masksStep
  const size = batchSize * length
  const layout: ParallelLayout = {
    batchSize,
    length,
    tokens: new Uint32Array(size).fill(maskTokenId),
    positions: new Uint32Array(size),
    visibility: new Uint32Array(3 * size),
    lossMask: new Float32Array(size),
    places: new Uint32Array(size),
    masks: new Uint32Array(size),
    before: Uint32Array.from({ length: size }, (_, i) => i),
  }
  for (let row = 0; row < batchSize; row++) {
    const [first, own] = [row * length, row * batch.length]
    for (let place = 0; place < batch.length; place++) {
      layout.tokens[first + place] = tokens[own + place]!
      layout.positions[first + place] = place
      layout.visibility[3 * (first + place)] = place + 1
      layout.lossMask[first + place] = lossMask[own + place]!
      layout.places[first + place] = own + place
    }
    let begin = batch.length // of the next group, in the row
    for (const { anchor, masks } of groups[row]!) {
      for (let k = 1; k <= masks; k++) {
        const at = first + begin + k - 1
        layout.positions[at] = anchor + k
        layout.visibility.set([anchor + 1, begin, 2 ** k - 1], 3 * at)
        layout.lossMask[at] = 1
        layout.places[at] = own + anchor + k
        layout.masks[at] = k
        layout.before[at] = k === 1 ? first + anchor : at - 1
      }
      begin += masks
    }
    // What fills up sees nothing, and is read by nobody.
    for (let at = first + begin; at < first + length; at++) layout.places[at] = own
  }
  return layout
}
