import type { Batch } from '@outrider/dataset'
import type { DistillationLoss, RowLoss } from '@outrider/losses'

/**
 * Which positions of a batch a loss reads. A loss that is a sum over positions reads those that are learnt, and heads are computed
 * for no others; one that pools over sequences reads as many of each; of any other loss nothing is known, so it reads all.
 */
export type Reading = 'learnt' | 'learnt by sequence' | 'all'

export function readingOf(loss: DistillationLoss): Reading {
  if (!isRowLoss(loss)) return 'all'
  const bySequence = loss.terms.some(({ definition }) => definition.pooled?.scope === 'sequence')
  return bySequence ? 'learnt by sequence' : 'learnt'
}

/** Whether a loss is a sum over positions of what is said there. */
export const isRowLoss = (loss: DistillationLoss): loss is RowLoss => 'terms' in loss

/** What a batch is known by on the host. */
export interface HostBatch extends Pick<Batch, 'tokens' | 'lossMask' | 'batchSize' | 'length'> {
  /** Its answers were drawn for one step: nobody asks for them again. */
  drawn?: true | undefined
}

/** Rows of heads are a multiple of this where they can be: the fastest products take no others. */
const rowStep = 8

/** The positions of a batch that are read: those that count, and some that do not where a number is to be filled up. */
export interface ReadPositions {
  /**
   * Their numbers in the batch, each once and below batchSize · length: those that count in order; those that fill up are among them
   * in their sequence, or after them where sequences are no matter.
   */
  numbers: Uint32Array
  /** How many of each sequence, where these are as many. */
  perSequence: number | undefined
}

export function readPositions({ lossMask, batchSize, length }: HostBatch, reading: Reading): ReadPositions {
  if (reading === 'all')
    return { numbers: Uint32Array.from({ length: batchSize * length }, (_, i) => i), perSequence: length }
  const sequences = Array.from({ length: batchSize }, (_, row) => learntOf(lossMask, row, length))
  if (reading === 'learnt') {
    const learnt = sequences.flatMap((places, row) => places.map((place) => row * length + place))
    const count = Math.min(lossMask.length, Math.ceil(Math.max(1, learnt.length) / rowStep) * rowStep)
    return { numbers: Uint32Array.from([...learnt, ...othersThan(learnt, count)]), perSequence: undefined }
  }
  const perSequence = Math.max(1, ...sequences.map((places) => places.length))
  const numbers = sequences.flatMap((places, row) => filledUp(places, perSequence).map((place) => row * length + place))
  return { numbers: Uint32Array.from(numbers), perSequence }
}

/** Places in a sequence that count. */
export function learntOf(lossMask: Float32Array, row: number, length: number): number[] {
  const places: number[] = []
  for (let place = 0; place < length; place++) if (lossMask[row * length + place] !== 0) places.push(place)
  return places
}

/** So many places, with the first that do not count among them where too few do. */
const filledUp = (places: readonly number[], count: number): number[] =>
  [...places, ...othersThan(places, count)].sort((a, b) => a - b)

/** The first numbers that are none of these, as many as these lack of a count. */
function othersThan(numbers: readonly number[], count: number): number[] {
  const taken = new Set(numbers)
  const others: number[] = []
  for (let number = 0; numbers.length + others.length < count; number++) if (!taken.has(number)) others.push(number)
  return others
}
