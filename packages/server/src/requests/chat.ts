import * as v from 'valibot'
import { ApiError } from '../api-error'
import { checkFields } from './check-fields'
import { commonFields, integer } from './common-fields'
import { assertCount, type GenerationFields, type ServedModel } from './generation-request'
import { chatFields, messageFields, partFields } from './known-fields'
import { parseBody } from './parse-body'
import { askedForm, message, toMessage, toolFields } from './tools'

const schema = v.object({
  ...commonFields,
  messages: v.pipe(v.array(message), v.minLength(1, 'must have at least one message')),
  max_completion_tokens: v.nullish(integer(1)),
  logprobs: v.nullish(v.boolean()),
  top_logprobs: v.nullish(integer(0)),
  ...toolFields,
})

/**
 * The body of a chat completion.
 *
 * @throws ApiError
 */
export function parseChat(text: string, served: ServedModel): GenerationFields[] {
  const { target, name } = served
  const body = parseBody(schema, text, (given) => {
    checkFields(given, chatFields)
    for (const [at, one] of given.messages.entries()) checkMessage(one, `messages.${at}.`)
  })
  if (!target.chatTemplate)
    throw new ApiError(400, `"${name}" has no chat template, so it cannot hold a conversation. Use /v1/completions.`, {
      param: 'messages',
      code: 'no_chat_template',
    })
  if (body.top_logprobs != null && !body.logprobs)
    throw new ApiError(400, 'top_logprobs needs logprobs: true.', { param: 'top_logprobs' })
  assertCount(served, 'top_logprobs', body.top_logprobs)
  const { tools, ...withoutForm } = body
  return [
    {
      ...withoutForm,
      prompt: body.messages.map(toMessage),
      promptParam: 'messages',
      ...(body.max_completion_tokens != null && { maxTokensParam: 'max_completion_tokens' }),
      maxTokens: body.max_completion_tokens ?? body.max_tokens ?? undefined,
      ...askedForm(target, body),
      logProbabilities: body.logprobs ? (body.top_logprobs ?? 0) : undefined,
    },
  ]
}

function checkMessage(given: v.InferOutput<typeof message>, path: string): void {
  checkFields(given, messageFields, path)
  if (Array.isArray(given.content))
    for (const [at, part] of given.content.entries()) checkFields(part, partFields, `${path}content.${at}.`)
}
