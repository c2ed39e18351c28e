import type { ServedModel } from '../requests/generation-request'
import { echoed } from './echo'
import type { Echoed, Format, Whole } from './format'
import { completionLogprobs } from './logprobs'
import { promptLogprobs } from './prompt-logprobs'

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
  const choice = (index: number, { text, scores, tokensAsIds }: Echoed, finish_reason: string | null = null) => ({
    index,
    text,
    logprobs: scores ? completionLogprobs(tokenizer, scores, tokensAsIds) : null,
    finish_reason,
  })
  return {
    opening: () => [],
    chunk: (given, index) => body([choice(index, given)]),
    closing: ({ finishReason }, metrics, index) =>
      body([choice(index, { text: '', scores: undefined }, finishReason)], metrics && { metrics }),
    usage: (usage, metrics) => body([], { usage, ...(metrics && { metrics }) }),
    choice: (given, { finishReason }, index) => ({
      ...choice(index, given.echo ? echoed(tokenizer, given, given.echo) : given, finishReason),
      ...(given.ids && idsOf(given.ids)),
      ...(given.promptScores && { prompt_logprobs: promptLogprobs(tokenizer, given.promptScores) }),
    }),
    whole: (choices, _, usage, metrics) => body(choices, { usage, ...(metrics && { metrics }) }),
  }
}

/** vLLM's names for them. */
const idsOf = ({ prompt, answer }: NonNullable<Whole['ids']>) => ({ token_ids: answer, prompt_token_ids: prompt })
