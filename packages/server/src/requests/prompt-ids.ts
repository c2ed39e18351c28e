import { OutriderError } from '@outrider/tensor'
import { type PretrainedModel, type Prompt, promptTokensInSlices } from '@outrider/transformer'
import { ApiError, toApiError } from '../api-error'
import type { ServedModel } from './generation-request'
import { oneAtATime } from './one-at-a-time'

/**
 * The tokens of a prompt. A long one is encoded a slice at a time: others are answered meanwhile.
 *
 * @param param  the field that it came in
 * @param tools  told of by the chat template
 * @throws ApiError 400 for what is no prompt, and for one that leaves no room for an answer
 */
export async function promptIds(
  { target, contextLength }: ServedModel,
  prompt: Prompt,
  param: string,
  tools?: readonly object[] | undefined,
): Promise<number[]> {
  const tooLong = (size: string) =>
    new ApiError(
      400,
      `This model's longest request has ${contextLength} tokens, prompt and answer together; the prompt has ${size}.`,
      { param, code: 'context_length_exceeded' },
    )
  // What cannot fit however well it is encoded is not encoded.
  const characters = charactersOf(prompt)
  if (characters > contextLength * longestPiece(target)) throw tooLong(`${characters} characters`)
  try {
    const encode = () => promptTokensInSlices(target, prompt, { tools })
    const ids = await (characters > longPrompt ? turnsOf(target)(encode) : encode())
    if (ids.length < contextLength) return ids
    throw tooLong(`${ids.length} tokens`)
  } catch (error) {
    if (!(error instanceof OutriderError)) throw error
    const { message, status } = toApiError(error)
    throw new ApiError(status, message, {
      param,
      ...(error.code === 'CONTEXT_OVERFLOW' && { code: 'context_length_exceeded' }),
    })
  }
}

/** Characters from which on prompts wait for one another: on one thread none is done sooner, and each takes memory. */
const longPrompt = 2 ** 16

const turns = new WeakMap<object, ReturnType<typeof oneAtATime>>()

function turnsOf({ tokenizer }: Pick<PretrainedModel, 'tokenizer'>): ReturnType<typeof oneAtATime> {
  const known = turns.get(tokenizer) ?? oneAtATime()
  turns.set(tokenizer, known)
  return known
}

function charactersOf(prompt: Prompt): number {
  if (typeof prompt === 'string') return prompt.length
  return prompt.reduce<number>((sum, part) => sum + (typeof part === 'number' ? 1 : part.content.length), 0)
}

const longestPieces = new WeakMap<object, number>()

/** Characters of the longest token. */
function longestPiece({ tokenizer }: Pick<PretrainedModel, 'tokenizer'>): number {
  let longest = longestPieces.get(tokenizer) ?? 0
  if (longest > 0) return longest
  for (let id = 0; id < tokenizer.vocabularySize; id++)
    longest = Math.max(longest, tokenizer.idToToken(id)?.length ?? 0)
  longestPieces.set(tokenizer, longest)
  return longest
}
