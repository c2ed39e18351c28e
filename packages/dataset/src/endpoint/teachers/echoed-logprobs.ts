import { learnedPlaces } from '../../top-tokens/top-tokens'
import { RequestFailure } from '../http'
import { assertEnough, assertOfPrompt, type Told, topOf } from './likeliest'
import type { Teacher } from './teacher'
import { type TokenNames, tokenNames } from './token-names'

/** As completions have it. */
interface Logprobs {
  tokens?: unknown
  top_logprobs?: unknown
}

/**
 * Hosted completions': `POST /completions { prompt: ids, max_tokens: 1, temperature: 0, echo: true, logprobs: k }`, whose
 * `logprobs.top_logprobs` has, for each token of the prompt, `{ name: ln q }` of the k likeliest in its place, and maybe of itself. By
 * OpenAI's documents, not run on a hosted service. Names are texts: of those that are no token's, or several tokens', nothing is known,
 * and they go to the rest. An engine that names the row's own tokens otherwise than its tokenizer does is refused.
 */
export const echoedLogprobs: Teacher = {
  name: 'logprobs of an echoed prompt of /completions',
  async topTokens(post, { base, model, k, tokenizer }, row, signal) {
    if (!tokenizer) throw new RequestFailure('Tokens are named by their text, and no tokenizer is given.', 'refused')
    const places = learnedPlaces(row)
    const prompt = row.tokens.slice(0, places.at(-1)! + 1)
    const fields = { max_tokens: 1, temperature: 0, echo: true, logprobs: k }
    const said = await post(`${base}/completions`, { model, prompt, ...fields }, signal)
    const logprobs = (said as { choices?: { logprobs?: Logprobs | null }[] } | null)?.choices?.[0]?.logprobs
    const { tokens, top_logprobs: top } = logprobs ?? {}
    if (!Array.isArray(tokens) || !Array.isArray(top))
      throw new RequestFailure('It answered without logprobs of the prompt.', 'refused')
    const names = tokenNames(tokenizer)
    assertOfPrompt(Math.min(tokens.length, prompt.length), prompt.length)
    assertSameTokens(tokens, prompt, names)
    return topOf(places, k, (place) => toldIn(top[place], k, names))
  },
}

/** An engine that leaves out the space of a token, say, would give what it thinks of one token to another. */
function assertSameTokens(told: readonly unknown[], prompt: readonly number[], names: TokenNames): void {
  for (const [i, id] of prompt.entries()) {
    const name = names.nameOf(id)
    const found = String(told[i])
    if (name === undefined || found === name || names.idOf(found) === id) continue
    throw new RequestFailure(
      `It names token ${id} of the prompt ${JSON.stringify(found.slice(0, 50))}, and its text is ${JSON.stringify(name)}.`,
      'refused',
    )
  }
}

function toldIn(place: unknown, k: number, names: TokenNames): Told[] {
  const told = Object.entries((place ?? {}) as Record<string, unknown>)
  assertEnough(told.length, k)
  return told.flatMap(([name, logProbability]): Told[] => {
    const id = names.idOf(name)
    return id === undefined ? [] : [[id, logProbability as number]]
  })
}
