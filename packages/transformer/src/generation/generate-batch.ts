import { OutriderError } from '@outrider/tensor'
import type { CausalLM } from '../model/index'
import type { PretrainedModel } from '../pretrained/index'
import { answerEach, type BatchAnswer } from './answer-each'
import type { GenerateOptions } from './generate'
import { checkedCount } from './log-probabilities'
import { checkPrompt } from './prompt'
import { resolveSampling } from './sampling-options'

export interface GenerateBatchOptions extends Omit<GenerateOptions, 'temperature' | 'seed'> {
  /** One for all, or one for each prompt. Default 0. */
  temperature?: number | readonly number[] | undefined
  /** One for all, or one for each prompt. Default 0. */
  seed?: number | readonly number[] | undefined
}

/**
 * Continues several prompts of unequal length at once, as many as fit (`answerEach`), the others as soon as there is room.
 * Each answer is what `generate` gives for its prompt, temperature and seed alone, bit for bit. A step costs one readback for all.
 *
 * @param prompts  token ids (see `promptTokens`)
 * @throws OutriderError INVALID_ARGUMENT, CONTEXT_OVERFLOW before the first token; ABORTED when the signal fires; NOT_FINITE
 *   where the model's logits are no numbers
 */
export async function generateBatch(
  pretrained: PretrainedModel<CausalLM>,
  prompts: readonly (readonly number[])[],
  { temperature, seed, signal, ...shared }: GenerateBatchOptions = {},
): Promise<BatchAnswer[]> {
  if (prompts.length === 0) return []
  const [temperatures, seeds] = [each({ temperature }, prompts.length), each({ seed }, prompts.length)]
  checkedCount(shared.logProbabilities)
  const requests = prompts.map((prompt, i) => ({ ...shared, prompt, temperature: temperatures[i], seed: seeds[i], i }))
  for (const request of requests) {
    checkPrompt(pretrained.config, request.prompt)
    resolveSampling(request)
  }
  const answers: BatchAnswer[] = []
  for await (const { request, answer } of answerEach(pretrained, requests, { size: prompts.length, signal }))
    answers[request.i] = answer
  return answers
}

/** An option that is one for all or one for each, as one for each. */
function each(option: Record<string, number | readonly number[] | undefined>, count: number) {
  const [name, value] = Object.entries(option)[0]!
  if (typeof value !== 'object') return Array.from({ length: count }, () => value)
  if (value.length === count) return value
  throw new OutriderError('INVALID_ARGUMENT', `${name} has ${value.length} values for ${count} prompts.`)
}
