import { type LogProbability, type Tokenizer, tokenName } from '@outrider/transformer'
import { jsonScore } from './prompt-logprobs'
import type { EchoedToken, PlacedToken } from './sequence-scores'

export interface ChatLogprob {
  token: string
  logprob: number
  /** UTF-8 of the token: a part of a character, maybe. */
  bytes: number[]
}

/**
 * Log-probabilities as chat completions have them.
 *
 * @param asIds  whether tokens are named `token_id:5`
 */
export function chatLogprobs(tokenizer: Tokenizer, tokens: readonly PlacedToken[], asIds = false) {
  const entry = ({ token, logProbability }: LogProbability): ChatLogprob => {
    const bytes = tokenizer.tokenBytes(token)
    return { token: asIds ? idName(token) : lossy.decode(bytes), logprob: logProbability, bytes: [...bytes] }
  }
  return {
    content: tokens.map((token) => ({ ...entry(token), top_logprobs: token.likeliest.map(entry) })),
    refusal: null,
  }
}

/**
 * Log-probabilities as completions have them: the chosen token is always among those told for its place.
 *
 * @param asIds  whether tokens are named `token_id:5`
 */
export function completionLogprobs(tokenizer: Tokenizer, tokens: readonly EchoedToken[], asIds = false) {
  const name = (token: number) => (asIds ? idName(token) : tokenName(tokenizer.tokenBytes(token)))
  const top = ({ token, logProbability, likeliest }: EchoedToken) =>
    logProbability === undefined
      ? null
      : Object.fromEntries(
          [...likeliest, { token, logProbability }].map((one) => [name(one.token), jsonScore(one.logProbability)]),
        )
  return {
    tokens: tokens.map(({ token }) => name(token)),
    token_logprobs: tokens.map(({ logProbability }) =>
      logProbability === undefined ? null : jsonScore(logProbability),
    ),
    top_logprobs: tokens.map(top),
    text_offset: tokens.map(({ offset }) => offset),
  }
}

const idName = (token: number) => `token_id:${token}`

// U+FEFF at the beginning of a token is text of the model, not the mark of a file.
const lossy = new TextDecoder('utf-8', { ignoreBOM: true })
