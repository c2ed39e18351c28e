import type { Example } from '../../tokenize/example'
import { learnedPlaces, type TopOfPlaces } from '../../top-tokens/top-tokens'
import { idsIn } from '../chat-answer'
import { RequestFailure } from '../http'
import { assertEnough, assertOfPrompt, type Told, topOf } from './likeliest'
import type { AskedAbout, Teacher } from './teacher'
import { type TokenNames, tokenNames } from './token-names'

/** As completions have it. */
interface Logprobs {
  tokens?: unknown
  top_logprobs?: unknown
}

const fields = (k: number) => ({ max_tokens: 1, temperature: 0, echo: true, logprobs: k })

/**
 * Hosted completions': `POST /completions { prompt: ids, max_tokens: 1, temperature: 0, echo: true, logprobs: k }`, whose
 * `logprobs.top_logprobs` has, for each token of the prompt, `{ name: ln q }` of the k likeliest in its place, and maybe of itself. By
 * OpenAI's documents, not run on a hosted service. Names are texts: of those that are no token's, or several tokens', nothing is known,
 * and they go to the rest. An engine that names the row's own tokens otherwise than its tokenizer does is refused.
 */
export const echoedLogprobs: Teacher = {
  name: 'logprobs of an echoed prompt of /completions',
  async topTokens(post, about, row, signal) {
    const names = namesOf(about)
    const prompt = promptOf(row)
    const said = await post(`${about.base}/completions`, { model: about.model, prompt, ...fields(about.k) }, signal)
    return topIn(said, { row, told: prompt, k: about.k, names })
  },
}

/**
 * llama-cpp-python's: the same of the row's text, as it takes no ids; of which it says beforehand what ids it makes (`/extras/tokenize`).
 * It leaves the begin token out of its lists. Without one, as 0.3.36 has it, they are a token late, and that is refused. It needs
 * `--logits_all true`.
 */
export const echoedText: Teacher = {
  name: 'logprobs of an echoed text of llama-cpp-python',
  async topTokens(post, about, row, signal) {
    const names = namesOf(about)
    const prompt = promptOf(row)
    const told = prompt.slice(1)
    const text = about.tokenizer!.decode(told, { skipSpecialTokens: false })
    const read = (await post(`${about.root}/extras/tokenize`, { input: text }, signal)) as { tokens?: unknown } | null
    if (idsIn(read?.tokens)?.join() !== prompt.join())
      throw new RequestFailure('It makes other tokens of the text of the row, or begins it with no mark.', 'refused')
    const said = await post(
      `${about.base}/completions`,
      { model: about.model, prompt: text, ...fields(about.k) },
      signal,
    )
    return topIn(said, { row, told, k: about.k, names })
  },
}

function namesOf({ tokenizer }: AskedAbout): TokenNames {
  if (tokenizer) return tokenNames(tokenizer)
  throw new RequestFailure('Tokens are named by their text, and no tokenizer is given.', 'refused')
}

const promptOf = (row: Example): number[] => row.tokens.slice(0, learnedPlaces(row).at(-1)! + 1)

/** @param asked.told  the last tokens of the prompt: those that the lists begin with */
function topIn(
  said: unknown,
  { row, told, k, names }: { row: Example; told: readonly number[]; k: number; names: TokenNames },
): TopOfPlaces {
  const logprobs = (said as { choices?: { logprobs?: Logprobs | null }[] } | null)?.choices?.[0]?.logprobs
  const { tokens, top_logprobs: top } = logprobs ?? {}
  if (!Array.isArray(tokens) || !Array.isArray(top))
    throw new RequestFailure('It answered without logprobs of the prompt.', 'refused')
  assertOfPrompt(Math.min(tokens.length, told.length), told.length)
  assertSameTokens(tokens, told, names)
  const places = learnedPlaces(row)
  const first = places.at(-1)! + 1 - told.length
  return topOf(places, k, (place) => toldIn(top[place - first], k, names))
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
  // Parts of characters may have one text together, and are then told as one.
  assertEnough(told.length, Math.ceil(k / 2))
  return told.flatMap(([name, logProbability]): Told[] => {
    const id = names.idOf(name)
    return id === undefined ? [] : [[id, logProbability as number]]
  })
}
