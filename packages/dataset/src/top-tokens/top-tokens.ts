import type { Example } from '../tokenize/example'

/** Of every token that a row learns, the k likeliest in its place, and what is left for the others. */
export interface TopOfPlaces {
  /** [places · k], place after place, the likeliest first; `noToken` where there are fewer. */
  ids: Uint32Array
  /** ln q of these, [places · k]. */
  logProbabilities: Float32Array
  /** ln of what the others have together, [places]; `nothing` where that is nothing. */
  logRest: Float32Array
}

/** What a target thinks of a row. */
export interface RowTopTokens extends Example, TopOfPlaces {
  /** A hash of the tokens and of which are learned. */
  id: string
  k: number
}

/** No token has this id. */
export const noToken = 0xffffffff

/** ln 0, as kernels take it. */
export const nothing = -3.0e38

/** The tokens that a row learns and that have one before them, by their place in it: what a target is asked about. */
export function learnedPlaces({ lossMask }: Pick<Example, 'lossMask'>): number[] {
  const places: number[] = []
  for (let place = 1; place < lossMask.length; place++) if (lossMask[place] !== 0) places.push(place)
  return places
}

/** ln of what probabilities leave of 1, or `nothing` where that is less than f32 tells from 0. */
export function restOf(logProbabilities: ArrayLike<number>, begin: number, count: number): number {
  let sum = 0
  for (let i = begin; i < begin + count; i++) sum += Math.exp(logProbabilities[i]!)
  return 1 - sum > leastRest ? Math.log(1 - sum) : nothing
}

/** What sums of f32 are known to. */
const leastRest = 1e-6
