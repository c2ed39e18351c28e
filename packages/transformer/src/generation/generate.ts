import { type Counter, OutriderError, type Tensor } from '@outrider/tensor'
import type { CausalLM } from '../model/index'
import type { PretrainedModel } from '../pretrained/index'
import { Answer, type FinishReason } from './answer'
import { type Generation, generation } from './generation'
import { checkedCount, type ScoredToken, scoreTokens } from './log-probabilities'
import { prefill } from './prefill'
import { type Prompt, promptTokens } from './prompt'
import { RepeatedStep } from './repeated-step'
import { drawnToken, sampleTokens } from './sample'
import { resolveSampling, type SamplingOptions } from './sampling-options'

export interface GenerateOptions extends SamplingOptions {
  /** The most tokens to generate. Default 256; the model's context ends an answer too. */
  maxTokens?: number | undefined
  /** Texts that end the answer; they are not part of it. */
  stop?: readonly string[] | undefined
  /**
   * Score every token by the model's own distribution, and report so many of the likeliest beside it; 0 for the token alone.
   * Left out, nothing is computed.
   */
  logProbabilities?: number | undefined
  signal?: AbortSignal | undefined
}

/** One token, and the text that has become certain with it (often its own; nothing while a character is incomplete). */
export interface GeneratedToken {
  token: number
  text: string
  /** With `logProbabilities`: what the model thought of the token. */
  scored?: ScoredToken
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

export const defaultMaxTokens = 256

/**
 * Continues a prompt token by token (plain autoregressive decoding), streaming. Sampling runs on the GPU; a token costs one
 * readback of its id, behind which the next step is already queued. The random number of the n-th token is
 * philox(seed, n), so the same seed gives the same answer.
 *
 * @returns tokens as they come, and the whole answer as `result`; leaving the loop early frees what it holds
 * @throws OutriderError INVALID_ARGUMENT, CONTEXT_OVERFLOW before the first token; ABORTED when the signal fires; NOT_FINITE
 *   where the model's logits are no numbers
 */
export function generate(
  pretrained: PretrainedModel<CausalLM>,
  prompt: Prompt,
  options: GenerateOptions = {},
): Generation<GeneratedToken> {
  return generation(tokensOf(pretrained, prompt, options))
}

async function* tokensOf(
  pretrained: PretrainedModel<CausalLM>,
  prompt: Prompt,
  options: GenerateOptions,
): AsyncGenerator<GeneratedToken, GenerationResult, undefined> {
  const started = performance.now()
  const { model, config, tokenizer, generationConfig } = pretrained
  const sampling = resolveSampling(options)
  const scores = checkedCount(options.logProbabilities)
  const ids = promptTokens(pretrained, prompt)
  const maxTokens = Math.min(options.maxTokens ?? defaultMaxTokens, config.contextLength - ids.length)
  const answer = new Answer(tokenizer, {
    prompt: ids,
    eosTokenIds: generationConfig.eosTokenIds,
    stop: options.stop,
    maxTokens,
  })
  throwIfAborted(options.signal)

  const { device } = model
  const cache = model.createCache({ capacity: ids.length + maxTokens, context: config.contextLength })
  const unread = device.empty([1, 1], 'u32').keep() // the last token, which the model has not read
  const draw = (all: Tensor, counter: number | Counter): Drawn => {
    const logits = all.reshape([1, all.size])
    const token = sampleTokens(logits, sampling, counter) // u32 [1]
    device.copy(token, 0, unread, 0, 1)
    return scores === undefined ? { token } : { token, logits }
  }
  const step = new RepeatedStep(model, cache, (counter) => draw(model.forward(unread, { cache }), counter))
  let first = 0
  let last = 0
  let begun: Drawn | undefined
  try {
    begun = device.scope(() => draw(prefill(model, cache, ids), 0))
    for (const tensor of Object.values(begun)) tensor.keep()
    for (let drawn: Drawn | undefined = begun, counter = 1; drawn; counter++) {
      const { token, logits } = drawn
      const reading = Promise.all([token.data(), logits && scoreTokens(logits, token, scores!)])
      // The next step needs the token only on the device: it is queued before the id is known here.
      drawn = answer.room > 1 ? step.run(counter) : undefined
      if (drawn) device.flush()
      const [data, scored] = await reading
      const id = drawnToken(data[0]!)
      last = performance.now()
      first ||= last
      const text = answer.push(id)
      yield { token: id, text, ...(scored && { scored: scored[0]! }) }
      if (answer.finishReason) break
      throwIfAborted(options.signal)
    }
  } finally {
    for (const tensor of Object.values(begun ?? {})) tensor.dispose()
    step.dispose()
    unread.dispose()
    cache.dispose()
  }
  return {
    tokens: answer.tokens,
    text: answer.text,
    finishReason: answer.finishReason ?? 'length',
    promptTokens: ids.length,
    timings: { promptSeconds: (first - started) / 1000, decodeSeconds: (last - first) / 1000 },
  }
}

/** A token, u32 [1], and the logits that it was drawn from, f32 [1, vocabulary], if they are wanted. */
type Drawn = { token: Tensor; logits?: Tensor }

/** @throws OutriderError ABORTED once the signal has fired */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new OutriderError('ABORTED', 'Generation was aborted.', { cause: signal.reason })
}
