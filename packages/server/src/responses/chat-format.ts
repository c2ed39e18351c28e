import type { ServedModel } from '../requests/generation-request'
import type { Format, Given } from './format'
import { chatLogprobs } from './logprobs'

/** Answers of `/v1/chat/completions`. */
export function chatFormat({ name: model, target: { tokenizer } }: ServedModel, created: number): Format {
  const id = `chatcmpl-${crypto.randomUUID().replaceAll('-', '')}`
  const logprobsOf = ({ scores }: Given) => scores && chatLogprobs(tokenizer, scores)
  const chunk = (choices: object[], more: object = {}) => ({
    id,
    object: 'chat.completion.chunk',
    created,
    model,
    choices,
    ...more,
  })
  const delta = (delta: object, more: object = {}) => ({
    index: 0,
    delta,
    logprobs: null,
    finish_reason: null,
    ...more,
  })
  return {
    opening: () => [chunk([delta({ role: 'assistant', content: '' })])],
    chunk: (given) => chunk([delta({ content: given.text }, { logprobs: logprobsOf(given) ?? null })]),
    closing: ({ finishReason }, metrics) => chunk([delta({}, { finish_reason: finishReason })], metrics && { metrics }),
    usage: (usage, metrics) => chunk([], { usage, ...(metrics && { metrics }) }),
    whole: (given, { finishReason }, usage, metrics) => ({
      id,
      object: 'chat.completion',
      created,
      model,
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: given.text, refusal: null },
          logprobs: logprobsOf(given) ?? null,
          finish_reason: finishReason,
          ...(given.ids && { token_ids: given.ids.answer }),
        },
      ],
      ...(given.ids && { prompt_token_ids: given.ids.prompt }),
      usage,
      ...(metrics && { metrics }),
    }),
  }
}
