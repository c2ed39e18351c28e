import { learnedPlaces } from '../../top-tokens/top-tokens'
import { RequestFailure } from '../http'
import { assertEnough, type Told, topOf } from './likeliest'
import type { Teacher } from './teacher'

/**
 * llama.cpp's own route: `POST /completion { prompt: ids, n_predict: 1, n_probs: k }`, whose `completion_probabilities[0].top_logprobs`
 * has `{ id, logprob }` of the k likeliest next tokens, by a softmax of the logits alone. It says nothing of a prompt's own tokens, so
 * it is asked place by place; what was read before stays in its cache, and a place costs what a token of an answer does.
 */
export const llamaCppCompletion: Teacher = {
  name: 'n_probs of llama.cpp’s /completion',
  async topTokens(post, { root, k }, row, signal) {
    const places = learnedPlaces(row)
    const told = new Map<number, Told[]>()
    for (const place of places) {
      const body = {
        prompt: row.tokens.slice(0, place),
        ...{ n_predict: 1, n_probs: k, temperature: 0, cache_prompt: true, post_sampling_probs: false },
      }
      told.set(place, toldIn(await post(`${root}/completion`, body, signal), k))
    }
    return topOf(places, k, (place) => told.get(place)!)
  },
}

function toldIn(said: unknown, k: number): Told[] {
  const { completion_probabilities: places } = (said ?? {}) as { completion_probabilities?: unknown }
  const found = Array.isArray(places) ? (places[0] as { top_logprobs?: unknown } | undefined)?.top_logprobs : undefined
  if (!Array.isArray(found)) throw new RequestFailure('It answered without completion_probabilities.', 'refused')
  assertEnough(found.length, k)
  return found.map((entry: { id?: unknown; logprob?: unknown } | null) => [
    entry?.id as number,
    entry?.logprob as number,
  ])
}
