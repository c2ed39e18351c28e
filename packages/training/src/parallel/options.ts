import type { DistillationLoss, RowLoss } from '@outrider/losses'
import { OutriderError } from '@outrider/tensor'
import { isRowLoss } from '../states/read-positions'

/** How much a position of a block has to say in the loss. */
export type PositionWeighting = 'uniform' | 'decay' | 'reach'
export const positionWeightings: readonly PositionWeighting[] = ['uniform', 'decay', 'reach']

export interface ParallelOptions {
  /** K: tokens that one pass of the draft proposes, 2 to 15. */
  draftLength: number
  /**
   * Of the masks at a place of a block the share that is left at the next one: r of PARD's conditional drop. A group loses its last
   * masks alone, as what comes first is read by what comes after. Default 0.6, with which a step of K = 8 has 2.6 times the rows of an ordinary one.
   */
  ratio?: number | undefined
  /** The least share of groups that reach a place, however late it is. Default 0.1. */
  minimum?: number | undefined
  /**
   * What the losses of position k are weighted by: all alike (`uniform`), `decayFactor` ᵏ⁻¹ (`decay`), or the probability that a
   * block gets there, Π α of the positions before it, as the draft is now and without a gradient (`reach`): what acceptance length is
   * made of; both heads are computed once more for it. Default `uniform`.
   */
  weighting?: PositionWeighting | undefined
  /** Of `decay`, above 0 and at most 1. Default 0.8. */
  decayFactor?: number | undefined
  /** Decides which groups are dropped, with the step and the row. Default: the run's. */
  seed?: number | undefined
}

/** The same with nothing left out. */
export interface ParallelSettings
  extends Required<{ [K in keyof ParallelOptions]: Exclude<ParallelOptions[K], undefined> }> {
  /** What stands for tokens that are not drafted yet. */
  maskTokenId: number
}

/** A pass has 16 rows at most: the last token that was accepted, or not read yet, and the masks behind it. */
const longest = 15

/** @throws OutriderError INVALID_ARGUMENT for options out of range, or a draft without a mask token */
export function parallelSettings(
  { draftLength, ratio = 0.6, minimum = 0.1, weighting = 'uniform', decayFactor = 0.8, seed = 0 }: ParallelOptions,
  { maskTokenId }: { readonly maskTokenId?: number | undefined },
): ParallelSettings {
  if (!(Number.isInteger(draftLength) && draftLength >= 2 && draftLength <= longest))
    throw invalid(`A parallel draft proposes 2 to ${longest} tokens at once, not ${draftLength}.`)
  if (!(ratio > 0 && ratio <= 1))
    throw invalid(`The ratio of groups that are kept is ${ratio}; it must be above 0 and at most 1.`)
  if (!(minimum >= 0 && minimum <= 1)) throw invalid(`The least share of groups is ${minimum}; it must be from 0 to 1.`)
  if (!positionWeightings.includes(weighting))
    throw invalid(`Positions are weighted by ${positionWeightings.join(', ')}, not ${weighting}.`)
  if (!(decayFactor > 0 && decayFactor <= 1))
    throw invalid(`The decay of positions is ${decayFactor}; it must be above 0 and at most 1.`)
  if (maskTokenId === undefined)
    throw invalid(
      'The draft names no token that stands for what is not drafted yet.',
      'parallelDraft(draft) gives it one; its config.json then says pard_token.',
    )
  return { draftLength, ratio, minimum, weighting, decayFactor, seed, maskTokenId }
}

/**
 * A loss as one of rows: any other knows nothing of masked ones.
 *
 * @throws OutriderError INVALID_ARGUMENT
 */
export function rowLossOf(loss: DistillationLoss): RowLoss {
  if (isRowLoss(loss)) return loss
  throw invalid(
    `A parallel draft is trained with a loss of rows, and ${loss.name} is none.`,
    'defineRowLoss makes one.',
  )
}

const invalid = (message: string, remedy?: string) => new OutriderError('INVALID_ARGUMENT', message, { remedy })
