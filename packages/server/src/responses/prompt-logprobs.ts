import type { ScoredPromptToken, Tokenizer } from '@outrider/transformer'

interface PromptLogprob {
  logprob: number
  /** Its place among all tokens, from 1. */
  rank: number
  decoded_token: string
}

/**
 * What the model thought of each token of a prompt, as vLLM has it: nothing for the first; then by id the token itself and the
 * likeliest in its place, so that there are k of them, or k + 1.
 */
export function promptLogprobs(
  tokenizer: Tokenizer,
  scores: readonly ScoredPromptToken[],
): (Record<string, PromptLogprob> | null)[] {
  const entry = (token: number, logProbability: number, rank: number): [string, PromptLogprob] => [
    String(token),
    {
      logprob: jsonScore(logProbability),
      rank,
      decoded_token: lossy.decode(tokenizer.tokenBytes(token)),
    },
  ]
  const places = scores.map(({ token, logProbability, rank, likeliest }) =>
    Object.fromEntries([
      entry(token, logProbability, rank),
      ...likeliest.map((one, place) => entry(one.token, one.logProbability, place + 1)),
    ]),
  )
  return [null, ...places]
}

/** JSON has no −∞; vLLM's and OpenAI's least number in its place. */
export const jsonScore = (logProbability: number) => Math.max(logProbability, -9999)

const lossy = new TextDecoder('utf-8', { ignoreBOM: true })
