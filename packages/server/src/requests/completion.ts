import type { Prompt } from '@outrider/transformer'
import * as v from 'valibot'
import { ApiError } from '../api-error'
import { checkFields } from './check-fields'
import { commonFields, integer } from './common-fields'
import { assertCount, type GenerationFields, type ServedModel } from './generation-request'
import { completionFields } from './known-fields'
import { parseBody } from './parse-body'

const ids = v.pipe(v.array(integer(0)), v.nonEmpty('must not be empty'))

const schema = v.object({
  ...commonFields,
  prompt: v.union([v.string(), ids, v.array(v.union([v.string(), ids]))]),
  max_tokens: v.nullish(integer(0)),
  logprobs: v.nullish(integer(0)),
  echo: v.nullish(v.boolean()),
})

/** OpenAI's. */
const defaultMaxTokens = 16
/**
 * The body of a completion: a text, token ids, or a list of either, each of which is answered.
 *
 * @throws ApiError
 */
export function parseCompletion(text: string, served: ServedModel): GenerationFields[] {
  const body = parseBody(schema, text, (given) => checkFields(given, completionFields))
  assertCount(served, 'logprobs', body.logprobs)
  if (body.max_tokens === 0 && !body.echo && body.prompt_logprobs == null)
    throw new ApiError(
      400,
      'max_tokens must be at least 1, but where the prompt is asked for: echo, prompt_logprobs.',
      {
        param: 'max_tokens',
      },
    )
  return promptsOf(body.prompt, served).map((prompt) => ({
    ...body,
    prompt,
    promptParam: 'prompt',
    maxTokens: body.max_tokens ?? undefined,
    defaultMaxTokens,
    logProbabilities: body.logprobs ?? undefined,
  }))
}

function promptsOf(prompt: v.InferOutput<typeof schema>['prompt'], { mostPrompts }: ServedModel): Prompt[] {
  if (typeof prompt === 'string' || typeof prompt[0] === 'number') return [prompt as string | number[]]
  const several = prompt as (string | number[])[]
  if (several.length > 0 && several.length <= mostPrompts) return several
  const advice = several.length > 0 ? ' Whoever runs the server raises that by --queue.' : ''
  throw new ApiError(400, `prompt must have from 1 to ${mostPrompts} prompts, not ${several.length}.${advice}`, {
    param: 'prompt',
  })
}
