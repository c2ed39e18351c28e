import { uniform01 } from '@outrider/tensor'

/** A token that was drawn, and the distribution that it is said to be drawn from. */
export interface Draw {
  token: number
  p: ArrayLike<number>
}

/**
 * Where a draw lies in the cumulative distribution, evenly within its token's share: of tokens that are drawn from p it is uniform
 * in [0, 1), whatever p is (Smith 1985, "Diagnostic checks of non-standard time series models").
 *
 * @param place  any number, another for each draw
 */
export function placeOf({ token, p }: Draw, place: number): number {
  let below = 0
  for (let id = 0; id < token; id++) below += p[id]!
  return below + uniform01(placeSeed, place) * p[token]!
}

const placeSeed = 20_260_101

/** Pearson's χ² of numbers in [0, 1) against uniform ones, in 8 cells: 7 degrees of freedom. */
export function chiSquare(numbers: readonly number[]): number {
  const cells = new Array<number>(8).fill(0)
  for (const x of numbers) cells[Math.min(7, Math.floor(8 * x))]!++
  const expected = numbers.length / 8
  return cells.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
}

/** What χ² of 7 degrees of freedom exceeds once in a million times. */
export const improbable = 40.5

/** Pearson's correlation of two series. */
export function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length
  const [meanA, meanB] = [mean(a), mean(b)]
  const moment = (x: readonly number[], meanX: number, y: readonly number[], meanY: number) =>
    x.reduce((sum, value, i) => sum + (value - meanX) * (y[i]! - meanY), 0)
  return moment(a, meanA, b, meanB) / Math.sqrt(moment(a, meanA, a, meanA) * moment(b, meanB, b, meanB))
}
