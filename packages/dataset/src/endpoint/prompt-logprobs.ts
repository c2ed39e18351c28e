import { OutriderError } from '@outrider/tensor'
import type { Example } from '../tokenize/example'
import { learnedPlaces, noToken, restOf, type TopOfPlaces } from '../top-tokens/top-tokens'
import { type Post, RequestFailure } from './http'

/** How a row is asked about: vLLM's `prompt_logprobs`, of the ids of a prompt. */
export interface AskedAbout {
  base: string
  model: string
  k: number
}

/**
 * What an engine thinks of a row's learned tokens: `POST /completions { prompt: [ids], max_tokens: 1, temperature: 0,
 * prompt_logprobs: k }`, which gives, of each token but the first, `{ id: { logprob } }` of the k likeliest in its place, and of itself.
 *
 * @throws RequestFailure where it answers with nothing of the kind
 */
export async function topTokensOf(
  post: Post,
  { base, model, k }: AskedAbout,
  { tokens, lossMask }: Example,
  signal?: AbortSignal,
): Promise<TopOfPlaces> {
  const places = learnedPlaces({ lossMask })
  const prompt = tokens.slice(0, places.at(-1)! + 1)
  const fields = { max_tokens: 1, temperature: 0, prompt_logprobs: k }
  const said = await post(`${base}/completions`, { model, prompt: [prompt], ...fields }, signal)
  const found = (said as { choices?: { prompt_logprobs?: unknown }[] } | null)?.choices?.[0]?.prompt_logprobs
  if (!Array.isArray(found)) throw new RequestFailure('It answered without prompt_logprobs.', 'refused')
  if (found.length !== prompt.length)
    throw new RequestFailure(
      `It has log-probabilities of ${found.length} tokens, of a prompt of ${prompt.length}.`,
      'broken',
    )
  const ids = new Uint32Array(places.length * k).fill(noToken)
  const logProbabilities = new Float32Array(places.length * k).fill(-32)
  const logRest = new Float32Array(places.length)
  for (const [i, place] of places.entries()) {
    const likeliest = likeliestIn(found[place], k)
    for (const [j, [id, logProbability]] of likeliest.entries()) {
      ids[i * k + j] = id
      logProbabilities[i * k + j] = logProbability
    }
    logRest[i] = restOf(logProbabilities, i * k, likeliest.length)
  }
  return { ids, logProbabilities, logRest }
}

/** The k likeliest. The token that stands there is told besides, and not always one of them. */
function likeliestIn(place: unknown, k: number): [number, number][] {
  const told = Object.entries((place ?? {}) as Record<string, { logprob?: unknown } | null>)
  const pairs = told.map(([id, said]): [number, number] => [Number(id), said?.logprob as number])
  if (pairs.length < k)
    throw new RequestFailure(
      `It has log-probabilities of ${pairs.length} tokens in a place, and ${k} were asked for.`,
      'refused',
    )
  // A little above 0 is a rounding.
  const isSound = ([id, logProbability]: [number, number]) =>
    Number.isSafeInteger(id) && id >= 0 && Number.isFinite(logProbability) && logProbability < 0.01
  if (!pairs.every(isSound)) throw new RequestFailure('It answered with log-probabilities that are none.', 'broken')
  return pairs
    .map(([id, logProbability]): [number, number] => [id, Math.min(0, logProbability)])
    .sort(([a, x], [b, y]) => y - x || a - b)
    .slice(0, k)
}

/**
 * Makes sure, by asking about two tokens, that an engine says what is asked of it.
 *
 * @throws OutriderError UNSUPPORTED with what to set on the server
 */
export async function assertGivesTopTokens(
  post: Post,
  asked: AskedAbout,
  row: Example,
  signal?: AbortSignal,
): Promise<void> {
  const place = learnedPlaces(row)[0]!
  const tokens = row.tokens.slice(0, place + 1)
  try {
    await topTokensOf(post, asked, { tokens, lossMask: tokens.map((_, i) => (i === place ? 1 : 0)) }, signal)
  } catch (error) {
    if (!(error instanceof RequestFailure) || error.kind === 'broken' || error.kind === 'busy') throw error
    if (error.status === 401 || error.status === 403) throw error
    throw new OutriderError(
      'UNSUPPORTED',
      `The endpoint of ${asked.model} does not say the ${asked.k} likeliest tokens in every place of a prompt (prompt_logprobs). ${error.message}`,
      {
        remedy: `Start vLLM or outrider serve with --max-logprobs ${asked.k} or more, or ask for fewer (--top 20). Other servers have no prompt_logprobs: have vLLM or outrider serve score their answers.`,
        cause: error,
      },
    )
  }
}
