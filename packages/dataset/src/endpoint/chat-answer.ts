import type { FinishReason } from '@outrider/transformer'
import { RequestFailure } from './http'

/** What an endpoint said to a conversation. */
export interface EndpointAnswer {
  text: string
  finishReason: FinishReason
  /** Ids of the answer's tokens, and of those that it answers, where the engine says them. */
  tokens: number[] | undefined
  prompt: number[] | undefined
  /** How many there were, by the engine's count; 0 where it has none. */
  usage: { prompt: number; completion: number }
}

/**
 * Reads a chat completion (OpenAI's `chat.completion`, with vLLM's `token_ids` and `prompt_token_ids`).
 *
 * @throws RequestFailure: broken where it is none, refused where it is one without a text to learn from
 */
export function chatAnswer(json: unknown): EndpointAnswer {
  const { choices, usage, prompt_token_ids } = object(json)
  const { message, finish_reason, token_ids } = object(Array.isArray(choices) ? choices[0] : undefined)
  const { content, refusal, tool_calls } = object(message)
  if (finish_reason !== 'stop' && finish_reason !== 'length') {
    if (typeof finish_reason !== 'string') throw new RequestFailure('It answered with no chat completion.', 'broken')
    throw new RequestFailure(`The answer ended for the reason "${finish_reason.slice(0, 100)}".`, 'refused')
  }
  if (typeof content !== 'string') {
    const instead = refusal ? 'a refusal' : Array.isArray(tool_calls) && tool_calls.length > 0 ? 'calls of tools' : ''
    throw new RequestFailure(`The answer has ${instead || 'no content'}, and no text.`, 'refused')
  }
  const { prompt_tokens, completion_tokens } = object(usage)
  const [tokens, prompt] = [idsIn(token_ids), idsIn(prompt_token_ids)]
  const counted = { prompt: countIn(prompt_tokens, prompt), completion: countIn(completion_tokens, tokens) }
  return { text: content, finishReason: finish_reason, tokens, prompt, usage: counted }
}

export const object = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

export const countIn = (said: unknown, ids: readonly number[] | undefined): number =>
  Number.isSafeInteger(said) && (said as number) >= 0 ? (said as number) : (ids?.length ?? 0)

/** Ids, or undefined where there are none. */
export function idsIn(value: unknown): number[] | undefined {
  if (value === undefined || value === null) return undefined
  if (Array.isArray(value) && value.every((id) => Number.isSafeInteger(id) && id >= 0)) return value
  throw new RequestFailure('It answered with token ids that are none.', 'broken')
}
