import type { ServedModel } from '../requests/generation-request'
import type { ToolDelta } from '../tools/tool-stream'
import type { Format, Given } from './format'
import { chatLogprobs } from './logprobs'
import { promptLogprobs } from './prompt-logprobs'

/** Answers of `/v1/chat/completions`. */
export function chatFormat({ name: model, target: { tokenizer } }: ServedModel, created: number): Format {
  const id = `chatcmpl-${crypto.randomUUID().replaceAll('-', '')}`
  const logprobsOf = ({ scores, tokensAsIds }: Given) => scores && chatLogprobs(tokenizer, scores, tokensAsIds)
  const chunk = (choices: object[], more: object = {}) => ({
    id,
    object: 'chat.completion.chunk',
    created,
    model,
    choices,
    ...more,
  })
  const delta = (index: number, delta: object, more: object = {}) => ({
    index,
    delta,
    logprobs: null,
    finish_reason: null,
    ...more,
  })
  return {
    opening: (index, { ids }) => [
      chunk([delta(index, { role: 'assistant', content: '' })], ids && { prompt_token_ids: ids }),
    ],
    chunk: (given, index) =>
      chunk([delta(index, deltaOf(given), { logprobs: logprobsOf(given) ?? null, ...idsOf(given) })]),
    closing: ({ finishReason }, metrics, given, index) =>
      chunk([delta(index, {}, { finish_reason: finishReason, ...idsOf(given) })], metrics && { metrics }),
    usage: (usage, metrics) => chunk([], { usage, ...(metrics && { metrics }) }),
    choice: (given, { finishReason }, index) => ({
      index,
      message: { role: 'assistant', ...messageOf(given), refusal: null },
      logprobs: logprobsOf(given) ?? null,
      finish_reason: finishReason,
      ...idsOf(given),
    }),
    // Of the prompt, which all answers have in common.
    whole: (choices, [first], usage, metrics) => ({
      id,
      object: 'chat.completion',
      created,
      model,
      choices,
      ...(first?.prompt.ids && { prompt_token_ids: first.prompt.ids }),
      ...(first?.prompt.scores && { prompt_logprobs: promptLogprobs(tokenizer, first.prompt.scores) }),
      usage,
      ...(metrics && { metrics }),
    }),
  }
}

/** vLLM's name for them. */
const idsOf = ({ ids }: Given) => ids && { token_ids: ids }

/** A part of a call in a stream: its name comes first. */
interface CallDelta {
  index: number
  id?: string
  type?: 'function'
  function: { name?: string; arguments: string }
}

/** What is known of each call by some deltas, in one entry for each. */
function callsOf(deltas: readonly ToolDelta[]): CallDelta[] {
  const calls: CallDelta[] = []
  for (const delta of deltas) {
    if ('name' in delta) {
      const { index, id, name } = delta
      calls.push({ index, id, type: 'function', function: { name, arguments: '' } })
    } else if ('arguments' in delta) {
      const last = calls.at(-1)
      if (last?.index === delta.index) last.function.arguments += delta.arguments
      else calls.push({ index: delta.index, function: { arguments: delta.arguments } })
    }
  }
  return calls
}

function deltaOf({ text, calls = [] }: Given): object {
  if (calls.length === 0) return { content: text }
  return { ...(text !== '' && { content: text }), tool_calls: callsOf(calls) }
}

function messageOf({ text, calls = [] }: Given): object {
  if (calls.length === 0) return { content: text }
  return { content: text === '' ? null : text, tool_calls: callsOf(calls).map(({ index, ...call }) => call) }
}
