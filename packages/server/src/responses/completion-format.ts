import type { ServedModel } from '../requests/generation-request'
import type { Format, Streamed } from './format'
import { completionLogprobs } from './logprobs'
import { promptLogprobs } from './prompt-logprobs'
import { behind } from './told-prompt'

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
  const choice = (index: number, given: Streamed, finish_reason: string | null = null) => {
    const { text, scores } = behind(given.prompt?.echo, given)
    return {
      index,
      text,
      logprobs: scores ? completionLogprobs(tokenizer, scores, given.tokensAsIds) : null,
      finish_reason,
      // vLLM's names for them.
      ...(given.ids && { token_ids: given.ids }),
      ...(given.prompt?.ids && { prompt_token_ids: given.prompt.ids }),
    }
  }
  return {
    opening: () => [],
    chunk: (given, index) => body([choice(index, given)]),
    closing: ({ finishReason }, metrics, given, index) =>
      body(
        [choice(index, { ...given, scores: given.prompt?.echo && given.scores }, finishReason)],
        metrics && { metrics },
      ),
    usage: (usage, metrics) => body([], { usage, ...(metrics && { metrics }) }),
    choice: (given, { finishReason }, index) => ({
      ...choice(index, given, finishReason),
      ...(given.prompt.scores && { prompt_logprobs: promptLogprobs(tokenizer, given.prompt.scores) }),
    }),
    whole: (choices, _, usage, metrics) => body(choices, { usage, ...(metrics && { metrics }) }),
  }
}
