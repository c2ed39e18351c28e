import type { Tokenizer } from '@outrider/transformer'
import type { Echoed, Whole } from './format'
import type { EchoedToken } from './sequence-scores'

/** An answer with its prompt before it: the text of the prompt's tokens, and their scores where scores are told. */
export function echoed(tokenizer: Tokenizer, given: Whole, prompt: readonly number[]): Echoed {
  const stream = tokenizer.stream()
  let text = ''
  const tokens = prompt.map((token, at): EchoedToken => {
    const offset = text.length
    text += stream.push(token)
    // Nothing comes before the first token, so nothing is known of it.
    return { ...(given.promptScores?.[at - 1] ?? { token, logProbability: undefined, likeliest: [] }), offset }
  })
  text += stream.end()
  const scores = given.scores?.map((one) => ({ ...one, offset: text.length + one.offset }))
  return { ...given, text: text + given.text, scores: scores && [...tokens, ...scores] }
}
