import { ApiError } from '../api-error'
import type { GenerationRequest, ServedModel } from './generation-request'

/**
 * How many answers are wanted to each prompt, `n`.
 *
 * @param prompts  of the request: there must be room for the answers to all of them
 * @throws ApiError 400 for more than are given
 */
export function choiceCount(
  { mostChoices, mostPrompts }: Pick<ServedModel, 'mostChoices' | 'mostPrompts'>,
  n: number | null | undefined,
  prompts: number,
): number {
  const count = n ?? 1
  if (count > mostChoices)
    throw new ApiError(
      400,
      `n must be at most ${mostChoices}, not ${count}. Whoever runs the server raises that by --max-choices.`,
      { param: 'n' },
    )
  if (count * prompts <= mostPrompts) return count
  throw new ApiError(
    400,
    `n is ${count} for ${prompts} prompts: ${count * prompts} answers, and this server takes ${mostPrompts} at a time.`,
    { param: 'n' },
  )
}

/** A request for each of n answers to one prompt, all but the first drawn by a seed of its own: as in vLLM, the next one. */
export const choicesOf = (request: GenerationRequest, n: number): GenerationRequest[] =>
  Array.from({ length: n }, (_, index) => ({ ...request, seed: seedAfter(request.seed, index) }))

/** From the largest seed on they begin again. */
const seedAfter = (seed: number, by: number): number => (seed > largest - by ? by - (largest - seed) - 1 : seed + by)

const largest = Number.MAX_SAFE_INTEGER
