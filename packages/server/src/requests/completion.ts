import * as v from 'valibot'
import { ApiError } from '../api-error'
import { checkFields } from './check-fields'
import { commonFields, integer } from './common-fields'
import type { GenerationFields } from './generation-request'
import { completionFields } from './known-fields'
import { parseBody } from './parse-body'

const ids = v.pipe(v.array(integer(0)), v.nonEmpty('must not be empty'))

const schema = v.object({
  ...commonFields,
  prompt: v.union([v.string(), ids, v.array(v.union([v.string(), ids]))]),
  logprobs: v.nullish(integer(0, 20)),
})

/** OpenAI's. */
const defaultMaxTokens = 16

/**
 * The body of a completion: a text, token ids, or a list of one of either.
 *
 * @throws ApiError
 */
export function parseCompletion(text: string): GenerationFields {
  const body = parseBody(schema, text, (given) => checkFields(given, completionFields))
  return {
    ...body,
    prompt: onePrompt(body.prompt),
    promptParam: 'prompt',
    maxTokens: body.max_tokens ?? defaultMaxTokens,
    logProbabilities: body.logprobs ?? undefined,
  }
}

function onePrompt(prompt: v.InferOutput<typeof schema>['prompt']): string | number[] {
  if (typeof prompt === 'string' || typeof prompt[0] === 'number') return prompt as string | number[]
  const [first, ...others] = prompt as (string | number[])[]
  if (first !== undefined && others.length === 0) return first
  throw new ApiError(400, 'prompt must be one prompt. Send a request for each; they are decoded together.', {
    param: 'prompt',
  })
}
