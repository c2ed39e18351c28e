import type { ChatMessage } from '@outrider/transformer'
import * as v from 'valibot'
import { ApiError } from '../api-error'
import { checkFields, type FieldLists } from '../requests/check-fields'
import { commonFields, integer } from '../requests/common-fields'
import { assertCount, type GenerationFields, type ServedModel } from '../requests/generation-request'
import { parseBody } from '../requests/parse-body'

const textTypes = ['input_text', 'output_text', 'text'] as const
const part = v.object({ type: v.picklist(textTypes), text: v.string() })
const item = v.object({
  type: v.nullish(v.literal('message')),
  role: v.picklist(['system', 'developer', 'user', 'assistant']),
  content: v.union([v.string(), v.array(part)]),
})

const { model, temperature, top_p, top_k, seed, stop, stream, cache_salt, draft_length } = commonFields
const logprobsOfText = 'message.output_text.logprobs'

const schema = v.object({
  ...{ model, temperature, top_p, top_k, seed, stop, stream, cache_salt, draft_length },
  input: v.union([v.string(), v.pipe(v.array(item), v.minLength(1, 'must have at least one message'))]),
  instructions: v.nullish(v.string()),
  max_output_tokens: v.nullish(integer(1)),
  include: v.nullish(v.array(v.literal(logprobsOfText))),
  top_logprobs: v.nullish(integer(0)),
  metadata: v.nullish(v.record(v.string(), v.string())),
  stream_options: v.nullish(v.object({ include_obfuscation: v.nullish(v.boolean()) })),
})

const never = () => false
const isEmpty = (value: unknown) => typeof value === 'object' && Object.keys(value as object).length === 0
const isOneOf =
  (...values: unknown[]) =>
  (value: unknown) =>
    values.includes(value)

/** ResponseCreateParamsBase of npm's openai 6.49.0, and vLLM's fields beside it. */
export const responseFields: FieldLists = {
  used: Object.keys(schema.entries),
  harmless: [
    ...['moderation', 'parallel_tool_calls', 'prompt_cache_key', 'prompt_cache_options', 'prompt_cache_retention'],
    ...['safety_identifier', 'service_tier', 'user', 'max_tool_calls', 'request_id', 'priority'],
  ],
  refused: {
    background: isOneOf(false),
    context_management: isEmpty,
    conversation: never,
    previous_response_id: never,
    prompt: never,
    reasoning: isEmpty,
    // Responses are not kept; who relies on it is told.
    store: isOneOf(false),
    text: (value) => isPlainText(value as { format?: { type?: unknown }; verbosity?: unknown }),
    tool_choice: isOneOf('auto', 'none'),
    tools: isEmpty,
    truncation: isOneOf('disabled'),
    repetition_penalty: isOneOf(1),
    ignore_eos: isOneOf(false),
    skip_special_tokens: isOneOf(true),
    include_stop_str_in_output: isOneOf(false),
    structured_outputs: never,
    logit_bias: isEmpty,
    vllm_xargs: isEmpty,
    chat_template: never,
    chat_template_kwargs: isEmpty,
  },
  instead: {
    messages: 'input',
    max_tokens: 'max_output_tokens',
    max_completion_tokens: 'max_output_tokens',
    response_format: 'text.format',
    previous_response_id: 'input with all messages so far',
    conversation: 'input with all messages so far',
    store: 'store: false, and keep the response yourself',
  },
}

const itemFields: FieldLists = {
  used: ['type', 'role', 'content'],
  // What an item of an answer has beside its text, when it comes back as history.
  harmless: ['id', 'status', 'phase'],
  refused: {},
}

const partFields: FieldLists = {
  used: ['type', 'text'],
  harmless: ['annotations', 'logprobs', 'prompt_cache_breakpoint'],
  refused: {},
}

export interface ResponsesRequest {
  fields: GenerationFields
  instructions: string | null
  metadata: Record<string, string>
  /** Whether log-probabilities are told. */
  logprobs: boolean
}

/**
 * The body of a request for a response.
 *
 * @throws ApiError
 */
export function parseResponses(text: string, served: ServedModel): ResponsesRequest {
  const body = parseBody(
    schema,
    text,
    (given) => {
      checkFields(given, responseFields)
      if (typeof given.input !== 'string') for (const [at, one] of given.input.entries()) checkItem(one, `input.${at}.`)
    },
    assertItems,
  )
  if (!served.target.chatTemplate)
    throw new ApiError(
      400,
      `"${served.name}" has no chat template, so it cannot hold a conversation. Use /v1/completions.`,
      {
        param: 'input',
        code: 'no_chat_template',
      },
    )
  assertCount(served, 'top_logprobs', body.top_logprobs)
  const logprobs = body.include?.includes(logprobsOfText) ?? false
  if (body.top_logprobs && !logprobs)
    throw new ApiError(400, `top_logprobs needs include: ["${logprobsOfText}"].`, { param: 'top_logprobs' })
  const { input, instructions, max_output_tokens, stream_options: _, ...common } = body
  const said: ChatMessage[] = typeof input === 'string' ? [{ role: 'user', content: input }] : input.map(toMessage)
  return {
    fields: {
      ...common,
      prompt: instructions == null ? said : [{ role: 'system', content: instructions }, ...said],
      promptParam: 'input',
      maxTokens: max_output_tokens ?? undefined,
      maxTokensParam: 'max_output_tokens',
      logProbabilities: logprobs ? (body.top_logprobs ?? 0) : undefined,
    },
    instructions: instructions ?? null,
    metadata: body.metadata ?? {},
    logprobs,
  }
}

/** Items and tools that are none of ours are refused by what they call themselves. */
function assertItems({ input, tools }: Record<string, unknown>): void {
  const refuse = (what: string, param: string) => {
    throw new ApiError(400, `${what} is not supported by this server.`, { param, code: 'unsupported_parameter' })
  }
  const typeOf = (one: unknown) =>
    typeof one === 'object' && one !== null ? (one as { type?: unknown }).type : undefined
  if (Array.isArray(tools) && tools.length > 0)
    refuse(`The tool ${JSON.stringify(typeOf(tools[0]) ?? null).slice(0, 100)}`, 'tools.0.type')
  if (!Array.isArray(input)) return
  for (const [at, one] of input.entries()) {
    const type = typeOf(one)
    if (typeof type === 'string' && type !== 'message')
      refuse(`An item of type ${JSON.stringify(type).slice(0, 100)}`, `input.${at}.type`)
    const { content } = (one ?? {}) as { content?: unknown }
    if (Array.isArray(content))
      for (const [within, part] of content.entries()) {
        const kind = typeOf(part)
        if (typeof kind === 'string' && !(textTypes as readonly string[]).includes(kind))
          refuse(`A part of type ${JSON.stringify(kind).slice(0, 100)}`, `input.${at}.content.${within}.type`)
      }
  }
}

function checkItem(given: v.InferOutput<typeof item>, path: string): void {
  checkFields(given, itemFields, path)
  if (typeof given.content !== 'string')
    for (const [at, one] of given.content.entries()) checkFields(one, partFields, `${path}content.${at}.`)
}

const toMessage = ({ role, content }: v.InferOutput<typeof item>): ChatMessage => ({
  role: role === 'developer' ? 'system' : role,
  content: typeof content === 'string' ? content : content.map(({ text }) => text).join(''),
})

function isPlainText({ format, verbosity, ...others }: { format?: { type?: unknown }; verbosity?: unknown }): boolean {
  if (!isEmpty(others) || (verbosity != null && verbosity !== 'medium')) return false
  return format == null || (format.type === 'text' && Object.keys(format).length === 1)
}
