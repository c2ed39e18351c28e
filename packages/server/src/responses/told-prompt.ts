import type { ScoredPromptToken, Tokenizer } from '@outrider/transformer'
import type { Answering } from '../answering'
import type { EchoedToken } from './sequence-scores'

/** What is told of a prompt, as far as it was asked for. */
export interface ToldPrompt {
  ids?: readonly number[] | undefined
  /** Of its tokens but the first. */
  scores?: readonly ScoredPromptToken[] | undefined
  /** Where it comes before the answer. */
  echo?: Echo | undefined
}

/** A prompt as the beginning of a text. */
export interface Echo {
  text: string
  tokens: readonly EchoedToken[]
}

/** Waits for the scores, where they are told. */
export async function toldPrompt(
  { request: { prompt, told }, promptScores }: Answering,
  tokenizer: Tokenizer,
): Promise<ToldPrompt> {
  const scores = await promptScores
  return {
    scores,
    ids: told?.tokenIds ? prompt : undefined,
    echo: told?.echo ? echoOf(tokenizer, prompt, scores) : undefined,
  }
}

function echoOf(tokenizer: Tokenizer, prompt: readonly number[], scores: ToldPrompt['scores']): Echo {
  const stream = tokenizer.stream()
  let text = ''
  const tokens = prompt.map((token, at): EchoedToken => {
    const offset = text.length
    text += stream.push(token)
    // Nothing comes before the first token, so nothing is known of it.
    return { ...(scores?.[at - 1] ?? { token, logProbability: undefined, likeliest: [] }), offset }
  })
  return { text: text + stream.end(), tokens }
}

/** What comes behind a prompt, with the prompt before it. */
export function behind<Of extends { text: string; scores: readonly EchoedToken[] | undefined }>(
  echo: Echo | undefined,
  given: Of,
): Omit<Of, 'scores'> & { scores: readonly EchoedToken[] | undefined } {
  if (!echo) return given
  return { ...given, text: echo.text + given.text, scores: given.scores && [...echo.tokens, ...given.scores] }
}
