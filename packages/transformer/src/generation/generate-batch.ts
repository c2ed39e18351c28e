import { argmax, concat, OutriderError, slice, type Tensor } from '@outrider/tensor'
import type { CausalLM } from '../model/index'
import type { PretrainedModel } from '../pretrained/index'
import { Answer, type FinishReason } from './answer'
import { type GenerateOptions, throwIfAborted } from './generate'
import { prefill } from './prefill'
import { checkPrompt } from './prompt'
import { drawnToken, sampleTokens } from './sample'
import { resolveSampling, type Sampling } from './sampling-options'

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
}

/**
 * Continues several prompts of unequal length at once. Each answer is what `generate` gives for its prompt, temperature and
 * seed alone. A step costs one readback for all. Memory: the cache of the longest prompt and answer, for every prompt.
 *
 * @param prompts  token ids (see `promptTokens`)
 * @throws OutriderError INVALID_ARGUMENT, CONTEXT_OVERFLOW before the first token; ABORTED when the signal fires; NOT_FINITE
 *   where the model's logits are no numbers
 */
export async function generateBatch(
  pretrained: PretrainedModel<CausalLM>,
  prompts: readonly (readonly number[])[],
  options: GenerateBatchOptions = {},
): Promise<BatchAnswer[]> {
  if (prompts.length === 0) return []
  const { model, config, tokenizer, generationConfig } = pretrained
  const samplings = samplingOfEach(prompts.length, options)
  for (const prompt of prompts) checkPrompt(config, prompt)
  const answers = prompts.map((prompt) => {
    const maxTokens = Math.min(options.maxTokens ?? 256, config.contextLength - prompt.length)
    return new Answer(tokenizer, { prompt, eosTokenIds: generationConfig.eosTokenIds, stop: options.stop, maxTokens })
  })
  const capacity = Math.max(...prompts.map(({ length }, b) => length + answers[b]!.room))
  const cache = model.createCache({ batchSize: prompts.length, capacity, context: config.contextLength })
  try {
    let logits = prefill(model, cache, prompts) // [batch, vocabulary]
    for (let step = 0; ; step++) {
      throwIfAborted(options.signal)
      const drawn = sampleEach(logits, samplings, step) // u32 [batch]
      logits.dispose()
      const tokens = await drawn.data()
      drawn.dispose()
      for (const [b, answer] of answers.entries()) if (!answer.finishReason) answer.push(drawnToken(tokens[b]!))
      if (answers.every(({ finishReason }) => finishReason)) break
      // A finished sequence computes on, for the batch's shape, but nothing of it is kept.
      const counts = answers.map(({ finishReason }) => (finishReason ? 0 : 1))
      logits = model.device.scope(() => {
        const next = model.device.tensor(Uint32Array.from(tokens), { shape: [prompts.length, 1] })
        const all = model.forward(next, { cache, counts }) // [batch, 1, vocabulary]
        return all.reshape([prompts.length, all.shape[2]!])
      })
    }
  } finally {
    cache.dispose()
  }
  return answers.map(({ tokens, text, finishReason }) => ({ tokens, text, finishReason: finishReason! }))
}

function samplingOfEach(count: number, { temperature, seed, topK, topP }: GenerateBatchOptions): Sampling[] {
  const each = (option: string, value: number | readonly number[] | undefined) => {
    if (typeof value === 'number' || value === undefined) return Array.from({ length: count }, () => value)
    if (value.length === count) return value
    throw new OutriderError('INVALID_ARGUMENT', `${option} has ${value.length} values for ${count} prompts.`)
  }
  const [temperatures, seeds] = [each('temperature', temperature), each('seed', seed)]
  return temperatures.map((temperature, b) => resolveSampling({ temperature, seed: seeds[b], topK, topP }))
}

/** Draws the `step`-th token of every sequence, each by its own temperature and seed: u32 [batch]. */
function sampleEach(logits: Tensor, samplings: readonly Sampling[], step: number): Tensor {
  if (samplings.every(({ temperature }) => temperature === 0)) return argmax(logits, { logits: true })
  return logits.device.scope(() =>
    concat(samplings.map((sampling, b) => sampleTokens(slice(logits, { start: b, count: 1 }), sampling, step))),
  )
}
