import { learnedPlaces } from '../../top-tokens/top-tokens'
import { RequestFailure } from '../http'
import { assertEnough, assertOfPrompt, type Told, topOf } from './likeliest'
import type { Teacher } from './teacher'

/**
 * vLLM's and `outrider serve`'s: `POST /completions { prompt: [ids], max_tokens: 1, temperature: 0, prompt_logprobs: k }`, which gives,
 * of each token but the first, `{ id: { logprob } }` of the k likeliest in its place, and of itself.
 */
export const promptLogprobs: Teacher = {
  name: 'prompt_logprobs of /completions',
  async topTokens(post, { base, model, k }, row, signal) {
    const places = learnedPlaces(row)
    const prompt = row.tokens.slice(0, places.at(-1)! + 1)
    const fields = { max_tokens: 1, temperature: 0, prompt_logprobs: k }
    const said = await post(`${base}/completions`, { model, prompt: [prompt], ...fields }, signal)
    const found = (said as { choices?: { prompt_logprobs?: unknown }[] } | null)?.choices?.[0]?.prompt_logprobs
    if (!Array.isArray(found)) throw new RequestFailure('It answered without prompt_logprobs.', 'refused')
    assertOfPrompt(found.length, prompt.length)
    return topOf(places, k, (place) => toldIn(found[place], k))
  },
}

function toldIn(place: unknown, k: number): Told[] {
  const told = Object.entries((place ?? {}) as Record<string, { logprob?: unknown } | null>)
  assertEnough(told.length, k)
  return told.map(([id, said]) => [Number(id), said?.logprob as number])
}
