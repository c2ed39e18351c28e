import type { GenerationRequest, ServedModel } from '../requests/generation-request'
import type { Usage } from '../responses/format'
import type { chatLogprobs } from '../responses/logprobs'
import type { ResponsesRequest } from './parse'

type Logprobs = ReturnType<typeof chatLogprobs>['content']

/** What a response says however far it is. */
export interface ResponseFrame {
  id: string
  messageId: string
  created: number
  served: ServedModel
  asked: ResponsesRequest
  request: GenerationRequest
}

export const outputText = (text: string, logprobs: Logprobs = []) => ({
  type: 'output_text',
  text,
  annotations: [],
  logprobs,
})

export const messageItem = (id: string, status: 'in_progress' | 'completed' | 'incomplete', content: object[]) => ({
  type: 'message',
  id,
  status,
  role: 'assistant',
  content,
})

/** How far a response is. */
export interface ResponseState {
  status: 'in_progress' | 'completed' | 'incomplete' | 'failed'
  output: readonly object[]
  usage?: Usage
  error?: { code: string; message: string }
  metrics?: object | undefined
}

/** The object `response` of OpenAI's Responses API. */
export function responseObject(
  { id, created, served, asked, request }: ResponseFrame,
  { status, output, usage, error, metrics }: ResponseState,
): object {
  return {
    id,
    object: 'response',
    created_at: created,
    status,
    background: false,
    error: error ?? null,
    incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    instructions: asked.instructions,
    max_output_tokens: asked.fields.maxTokens ?? null,
    metadata: asked.metadata,
    model: served.name,
    output,
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    store: false,
    temperature: request.temperature,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_logprobs: request.logProbabilities ?? 0,
    top_p: request.topP,
    truncation: 'disabled',
    usage: usage ? responseUsage(usage) : null,
    ...(metrics && { metrics }),
  }
}

/** A model that thinks aloud counts as one that speaks. */
const responseUsage = ({ prompt_tokens, prompt_tokens_details, completion_tokens, total_tokens }: Usage) => ({
  input_tokens: prompt_tokens,
  input_tokens_details: { cached_tokens: prompt_tokens_details?.cached_tokens ?? 0 },
  output_tokens: completion_tokens,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens,
})
