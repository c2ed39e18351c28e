import type { LogProbability, Tokenizer } from '@outrider/transformer'
import type { PlacedToken } from './sequence-scores'

interface ChatLogprob {
  token: string
  logprob: number
  /** UTF-8 of the token: a part of a character, maybe. */
  bytes: number[]
}

/** Log-probabilities as chat completions have them. */
export function chatLogprobs(tokenizer: Tokenizer, tokens: readonly PlacedToken[]) {
  const entry = ({ token, logProbability }: LogProbability): ChatLogprob => {
    const bytes = tokenizer.tokenBytes(token)
    return { token: lossy.decode(bytes), logprob: logProbability, bytes: [...bytes] }
  }
  return {
    content: tokens.map((token) => ({ ...entry(token), top_logprobs: token.likeliest.map(entry) })),
    refusal: null,
  }
}

/** Log-probabilities as completions have them. */
export function completionLogprobs(tokenizer: Tokenizer, tokens: readonly PlacedToken[]) {
  const text = (token: number) => tokenText(tokenizer.tokenBytes(token))
  return {
    tokens: tokens.map(({ token }) => text(token)),
    token_logprobs: tokens.map(({ logProbability }) => logProbability),
    top_logprobs: tokens.map(({ likeliest }) =>
      Object.fromEntries(likeliest.map(({ token, logProbability }) => [text(token), logProbability])),
    ),
    text_offset: tokens.map(({ offset }) => offset),
  }
}

// U+FEFF at the beginning of a token is text of the model, not the mark of a file.
const lossy = new TextDecoder('utf-8', { ignoreBOM: true })
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Names must differ where tokens do: what is no whole character is written as OpenAI writes it, `bytes:\xf0\x9f`. */
function tokenText(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes)
  } catch {
    return `bytes:${Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}`
  }
}
