import type { ServedModel } from '../requests/generation-request'
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
    opening: (index) => [chunk([delta(index, { role: 'assistant', content: '' })])],
    chunk: (given, index) => chunk([delta(index, { content: given.text }, { logprobs: logprobsOf(given) ?? null })]),
    closing: ({ finishReason }, metrics, index) =>
      chunk([delta(index, {}, { finish_reason: finishReason })], metrics && { metrics }),
    usage: (usage, metrics) => chunk([], { usage, ...(metrics && { metrics }) }),
    choice: (given, { finishReason }, index) => ({
      index,
      message: { role: 'assistant', content: given.text, refusal: null },
      logprobs: logprobsOf(given) ?? null,
      finish_reason: finishReason,
      ...(given.ids && { token_ids: given.ids.answer }),
    }),
    // Of the prompt, which all answers have in common.
    whole: (choices, [first], usage, metrics) => ({
      id,
      object: 'chat.completion',
      created,
      model,
      choices,
      ...(first?.ids && { prompt_token_ids: first.ids.prompt }),
      ...(first?.promptScores && { prompt_logprobs: promptLogprobs(tokenizer, first.promptScores) }),
      usage,
      ...(metrics && { metrics }),
    }),
  }
}
