import type { ServedModel } from '../requests/generation-request'
import type { Format, Given, Whole } from './format'
import { completionLogprobs } from './logprobs'

/** Answers of `/v1/completions`. */
export function completionFormat({ name: model, target: { tokenizer } }: ServedModel, created: number): Format {
  const id = `cmpl-${crypto.randomUUID().replaceAll('-', '')}`
  const body = (choices: object[], more: object = {}) => ({
    id,
    object: 'text_completion',
    created,
    model,
    choices,
    ...more,
  })
  const choice = ({ text, scores }: Given, finish_reason: string | null = null) => ({
    index: 0,
    text,
    logprobs: scores ? completionLogprobs(tokenizer, scores) : null,
    finish_reason,
  })
  return {
    opening: () => [],
    chunk: (given) => body([choice(given)]),
    closing: ({ finishReason }, metrics) =>
      body([choice({ text: '', scores: undefined }, finishReason)], metrics && { metrics }),
    usage: (usage, metrics) => body([], { usage, ...(metrics && { metrics }) }),
    whole: (given, { finishReason }, usage, metrics) =>
      body([{ ...choice(given, finishReason), ...(given.ids && idsOf(given.ids)) }], {
        usage,
        ...(metrics && { metrics }),
      }),
  }
}

/** vLLM's names for them. */
const idsOf = ({ prompt, answer }: NonNullable<Whole['ids']>) => ({ token_ids: answer, prompt_token_ids: prompt })
