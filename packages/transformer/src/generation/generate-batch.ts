import { OutriderError } from '@outrider/tensor'
import type { CausalLM } from '../model/index'
import type { PretrainedModel } from '../pretrained/index'
import type { FinishReason } from './answer'
import { type BatchSequence, ContinuousBatch } from './continuous-batch'
import { defaultMaxTokens, type GenerateOptions, throwIfAborted } from './generate'
import { checkedCount, type ScoredToken } from './log-probabilities'
import { checkPrompt } from './prompt'
import { resolveSampling } from './sampling-options'

export interface GenerateBatchOptions extends Omit<GenerateOptions, 'temperature' | 'seed'> {
  /** One for all, or one for each prompt. Default 0. */
  temperature?: number | readonly number[] | undefined
  /** One for all, or one for each prompt. Default 0. */
  seed?: number | readonly number[] | undefined
}

export interface BatchAnswer {
  /** Generated ids; an end token is the last of them. */
  tokens: number[]
  text: string
  finishReason: FinishReason
  /** With `logProbabilities`: what the model thought of each token. */
  scored?: ScoredToken[]
}

/**
 * Continues several prompts of unequal length at once, as many as fit (`ContinuousBatch`), the others as soon as there is room.
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
  const { contextLength } = pretrained.config
  const [temperatures, seeds] = [each({ temperature }, prompts.length), each({ seed }, prompts.length)]
  const optionsOf = (i: number) => ({ ...shared, temperature: temperatures[i], seed: seeds[i] })
  checkedCount(shared.logProbabilities)
  for (const [i, prompt] of prompts.entries()) {
    checkPrompt(pretrained.config, prompt)
    resolveSampling(optionsOf(i))
  }
  const batch = new ContinuousBatch(pretrained, { size: prompts.length })
  const sequences: BatchSequence[] = []
  const scores = new Map<BatchSequence, ScoredToken[]>()
  const waits = (prompt: readonly number[]) =>
    batch.count > 0 && !batch.fits(Math.min(prompt.length + (shared.maxTokens ?? defaultMaxTokens), contextLength))
  try {
    while (sequences.length < prompts.length || batch.count > 0) {
      throwIfAborted(signal)
      for (const prompt of prompts.slice(sequences.length)) {
        if (waits(prompt)) break
        sequences.push(batch.join(prompt, optionsOf(sequences.length)))
      }
      for (const { sequence, scored } of await batch.step())
        if (scored) scores.set(sequence, [...(scores.get(sequence) ?? []), scored])
    }
  } finally {
    batch.dispose()
  }
  return sequences.map((sequence) => {
    const { tokens, text, finishReason } = sequence.answer
    const scored = scores.get(sequence)
    return { tokens, text, finishReason: finishReason!, ...(scored && { scored }) }
  })
}

/** An option that is one for all or one for each, as one for each. */
function each(option: Record<string, number | readonly number[] | undefined>, count: number) {
  const [name, value] = Object.entries(option)[0]!
  if (typeof value !== 'object') return Array.from({ length: count }, () => value)
  if (value.length === count) return value
  throw new OutriderError('INVALID_ARGUMENT', `${name} has ${value.length} values for ${count} prompts.`)
}
