import { noToken, restOf, type TopOfPlaces } from '../../top-tokens/top-tokens'
import { RequestFailure } from '../http'

/** A token and ln q of it. */
export type Told = readonly [id: number, logProbability: number]

/**
 * What an engine told of places as it is stored: the k likeliest of each, in order, and the rest.
 *
 * @param toldAt  of a place, in any order, the token that stands there maybe besides; fewer than k where the engine cannot name them all
 * @throws RequestFailure broken where these are no log-probabilities
 */
export function topOf(places: readonly number[], k: number, toldAt: (place: number) => readonly Told[]): TopOfPlaces {
  const ids = new Uint32Array(places.length * k).fill(noToken)
  const logProbabilities = new Float32Array(places.length * k).fill(-32)
  const logRest = new Float32Array(places.length)
  for (const [i, place] of places.entries()) {
    const likeliest = likeliestOf(toldAt(place), k)
    for (const [j, [id, logProbability]] of likeliest.entries()) {
      ids[i * k + j] = id
      logProbabilities[i * k + j] = logProbability
    }
    logRest[i] = restOf(logProbabilities, i * k, likeliest.length)
  }
  return { ids, logProbabilities, logRest }
}

function likeliestOf(told: readonly Told[], k: number): Told[] {
  // A little above 0 is a rounding.
  const isSound = ([id, logProbability]: Told) =>
    Number.isSafeInteger(id) && id >= 0 && Number.isFinite(logProbability) && logProbability < 0.01
  if (!told.every(isSound)) throw new RequestFailure('It answered with log-probabilities that are none.', 'broken')
  return told
    .map(([id, logProbability]): Told => [id, Math.min(0, logProbability)])
    .sort(([a, x], [b, y]) => y - x || a - b)
    .slice(0, k)
}

/** @throws RequestFailure refused where an engine told of fewer tokens than were asked for */
export function assertEnough(told: number, k: number): void {
  if (told >= k) return
  throw new RequestFailure(`It has log-probabilities of ${told} tokens in a place, and ${k} were asked for.`, 'refused')
}

/** @throws RequestFailure broken where an engine told of another number of tokens than the row has */
export function assertOfPrompt(told: number, asked: number): void {
  if (told === asked) return
  throw new RequestFailure(`It has log-probabilities of ${told} tokens, of a prompt of ${asked}.`, 'broken')
}
