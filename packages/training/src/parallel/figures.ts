import type { MeasuredBlocks } from '../loop/objective'

/** How the positions of parallel drafts do, from the first on: as far as there were rows for them. */
export interface PositionFigures {
  /** α by position: p of that many masks less one against q. */
  acceptance_rates: number[]
  /** Simulated acceptance length of a block that ends there: 1 + Σ Π α. */
  acceptance_lengths: number[]
}

/** @param sums  by position: rows, Σ α, Σ of the probability that the token there is accepted with all before it */
export function positionFigures(sums: ArrayLike<number>): PositionFigures {
  const figures: PositionFigures = { acceptance_rates: [], acceptance_lengths: [] }
  let length = 1
  for (let at = 0; at < sums.length && sums[at]! > 0; at += 3) {
    const count = sums[at]!
    length += sums[at + 2]! / count
    figures.acceptance_rates.push(sums[at + 1]! / count)
    figures.acceptance_lengths.push(length)
  }
  return figures
}

/**
 * Adds blocks up as `positionFigures` reads them.
 *
 * @param rates  α, [blocks · draftLength]
 */
export function addBlocks(
  sums: Float64Array,
  rates: ArrayLike<number>,
  { draftLength, lengths }: Pick<MeasuredBlocks, 'draftLength' | 'lengths'>,
): void {
  for (const [block, length] of lengths.entries()) {
    let chain = 1
    for (let k = 0; k < length; k++) {
      const rate = rates[block * draftLength + k]!
      chain *= rate
      sums[3 * k]! += 1
      sums[3 * k + 1]! += rate
      sums[3 * k + 2]! += chain
    }
  }
}
