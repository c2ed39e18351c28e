import { learnedPlaces } from '../../top-tokens/top-tokens'
import { RequestFailure } from '../http'
import { assertEnough, assertOfPrompt, type Told, topOf } from './likeliest'
import type { Teacher } from './teacher'

/**
 * SGLang's own route: `POST /generate { input_ids, sampling_params, return_logprob: true, logprob_start_len: s, top_logprobs_num: k }`,
 * whose `meta_info.input_top_logprobs` has an entry for each token from s on: null for the first, then `[ln q, id, null]` of the k
 * likeliest in its place. By SGLang's documents and code (scheduler_output_processor_mixin.py), not run.
 */
export const sglangGenerate: Teacher = {
  name: 'input_top_logprobs of SGLang’s /generate',
  async topTokens(post, { root, k }, row, signal) {
    const places = learnedPlaces(row)
    const start = places[0]! - 1
    const input = row.tokens.slice(0, places.at(-1)! + 1)
    const said = await post(
      `${root}/generate`,
      {
        input_ids: input,
        sampling_params: { max_new_tokens: 1, temperature: 0 },
        return_logprob: true,
        logprob_start_len: start,
        top_logprobs_num: k,
      },
      signal,
    )
    const found = (said as { meta_info?: { input_top_logprobs?: unknown } } | null)?.meta_info?.input_top_logprobs
    if (!Array.isArray(found)) throw new RequestFailure('It answered without input_top_logprobs.', 'refused')
    assertOfPrompt(found.length + start, input.length)
    return topOf(places, k, (place) => toldIn(found[place - start], k))
  },
}

function toldIn(place: unknown, k: number): Told[] {
  const told = Array.isArray(place) ? (place as unknown[]) : []
  assertEnough(told.length, k)
  return told.map((entry) => (Array.isArray(entry) ? [entry[1], entry[0]] : [Number.NaN, Number.NaN]))
}
