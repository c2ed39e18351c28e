import { OutriderError, type Tensor } from '@outrider/tensor'
import type { PretrainedModel } from '../pretrained/index'
import { Answer, type FinishReason } from './answer'
import { prefill } from './prefill'
import { type Prompt, promptTokens } from './prompt'
import { RepeatedStep } from './repeated-step'
import { sampleTokens } from './sample'
import { resolveSampling, type SamplingOptions } from './sampling-options'

export interface GenerateOptions extends SamplingOptions {
  /** The most tokens to generate. Default 256; the model's context ends an answer too. */
  maxTokens?: number | undefined
  /** Texts that end the answer; they are not part of it. */
  stop?: readonly string[] | undefined
  signal?: AbortSignal | undefined
}

/** One token, and the text that has become certain with it (often its own; nothing while a character is incomplete). */
export interface GeneratedToken {
  token: number
  text: string
}

export interface GenerationResult {
  /** Generated ids; an end token is the last of them. */
  tokens: number[]
  text: string
  finishReason: FinishReason
  /** Tokens of the prompt. */
  promptTokens: number
  timings: {
    /** From the call to the first token. */
    promptSeconds: number
    /** From the first token to the last. */
    decodeSeconds: number
  }
}

const defaultMaxTokens = 256

/**
 * Continues a prompt token by token (plain autoregressive decoding), streaming. Sampling runs on the GPU; a token costs one
 * readback of its id, behind which the next step is already queued. The random number of the n-th token is
 * philox(seed, n), so the same seed gives the same answer.
 *
 * @returns a generator of tokens, whose return value is the whole answer; closing it early frees what it holds
 * @throws OutriderError INVALID_ARGUMENT, CONTEXT_OVERFLOW before the first token; ABORTED when the signal fires
 */
export async function* generate(
  pretrained: PretrainedModel,
  prompt: Prompt,
  options: GenerateOptions = {},
): AsyncGenerator<GeneratedToken, GenerationResult> {
  const started = performance.now()
  const { model, config, tokenizer, generationConfig } = pretrained
  const sampling = resolveSampling(options)
  const ids = promptTokens(pretrained, prompt)
  const maxTokens = Math.min(options.maxTokens ?? defaultMaxTokens, config.contextLength - ids.length)
  const answer = new Answer(tokenizer, { eosTokenIds: generationConfig.eosTokenIds, stop: options.stop, maxTokens })
  throwIfAborted(options.signal)

  const { device } = model
  const cache = model.createCache({ capacity: ids.length + maxTokens })
  const unread = device.empty([1, 1], 'u32').keep() // the last token, which the model has not read
  const draw = (logits: Tensor, counter: number) => {
    const token = sampleTokens(logits.reshape([1, logits.size]), sampling, counter) // u32 [1]
    device.copy(token, 0, unread, 0, 1)
    return { token }
  }
  const step = new RepeatedStep(device, cache, (counter) => draw(model.forward(unread, { cache }), counter))
  let first = 0
  let drawn: { token: Tensor } | undefined
  try {
    drawn = device.scope(() => draw(prefill(model, cache, [ids]), 0))
    drawn.token.keep()
    for (let token: Tensor | undefined = drawn.token, counter = 1; token; counter++) {
      const reading = token.data()
      // The next step needs the token only on the device: it is queued before the id is known here.
      token = answer.room > 1 ? step.run(counter).token : undefined
      if (token) device.flush()
      const id = (await reading)[0]!
      first ||= performance.now()
      const text = answer.push(id)
      yield { token: id, text }
      if (answer.finishReason) break
      throwIfAborted(options.signal)
    }
  } finally {
    drawn?.token.dispose()
    step.dispose()
    unread.dispose()
    cache.dispose()
  }
  return {
    tokens: answer.tokens,
    text: answer.text,
    finishReason: answer.finishReason ?? 'length',
    promptTokens: ids.length,
    timings: { promptSeconds: (first - started) / 1000, decodeSeconds: (performance.now() - first) / 1000 },
  }
}

/** @throws OutriderError ABORTED once the signal has fired */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new OutriderError('ABORTED', 'Generation was aborted.', { cause: signal.reason })
}
