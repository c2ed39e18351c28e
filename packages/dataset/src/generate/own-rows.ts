import { OutriderError } from '@outrider/tensor'

/** Which of several machines this is. */
export interface Share {
  /** From 0. */
  rank?: number | undefined
  /** How many there are. Default 1. */
  worldSize?: number | undefined
}

/**
 * Which rows are a machine's own, by their hash: every row is of one machine, however the rows are ordered or added to.
 *
 * @throws OutriderError INVALID_ARGUMENT for a rank that is none
 */
export function ownRows({ rank = 0, worldSize = 1 }: Share): (id: string) => boolean {
  if (Number.isSafeInteger(worldSize) && worldSize >= 1 && Number.isSafeInteger(rank) && rank >= 0 && rank < worldSize)
    return (id) => Number.parseInt(id.slice(0, 12), 16) % worldSize === rank
  throw new OutriderError('INVALID_ARGUMENT', `rank ${rank} is none of ${worldSize}.`, {
    remedy: 'Give a rank from 0 to one less than the world size.',
  })
}
