import { type Counter, OutriderError, type Tensor } from '@outrider/tensor'
import type { CausalLM } from '../model/index'
import type { PretrainedModel } from '../pretrained/index'
import { Answer, type FinishReason } from './answer'
import type { TokenConstraint } from './constraint'
import { type Generation, generation } from './generation'
import { checkedCount, type ScoredToken, scoreTokens } from './log-probabilities'
import { LogitsProcessor } from './logits-processor'
import { prefillPrompt } from './prefill-prompt'
import type { Prefixes } from './prefix-cache'
import { type Prompt, promptTokens } from './prompt'
import { RepeatedStep } from './repeated-step'
import { drawnToken, sampleTokens } from './sample'
import { resolveSampling, type SamplingOptions } from './sampling-options'

export interface GenerateOptions extends SamplingOptions {
  /** The most tokens to generate. Default 256; the model's context ends an answer too. */
  maxTokens?: number | undefined
  /** Texts that end the answer; they are not part of it. */
  stop?: readonly string[] | undefined
  /** Which tokens may come next as the answer grows; what that means for the distribution is said there. Default all. */
  constraint?: TokenConstraint | undefined
  /**
   * Score every token by the model's own distribution, and report so many of the likeliest beside it; 0 for the token alone.
   * Left out, nothing is computed.
   */
  logProbabilities?: number | undefined
  /**
   * What is known of beginnings of texts (`PrefixCache.of`): only what is new of the prompt is read, and what has been read is kept. The
   * answer has the same bits.
   */
  prefixes?: Prefixes | undefined
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
  /** Those of them that were known, and not read (`prefixes`). */
  cachedTokens: number
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
  const processor = LogitsProcessor.of(pretrained, { sampling, prompt: ids, constraint: options.constraint })
  const cache = model.createCache({ capacity: ids.length + maxTokens, context: config.contextLength })
  const unread = device.empty([1, 1], 'u32').keep() // the last token, which the model has not read
  const draw = (all: Tensor, counter: number | Counter): Drawn => {
    const logits = all.reshape([1, all.size])
    const token = sampleTokens(processor?.next(logits) ?? logits, sampling, counter) // u32 [1]
    device.copy(token, 0, unread, 0, 1)
    return scores === undefined ? { token } : { token, logits }
  }
  // What is done to logits may depend on the token before, which is known once it is read: the model reads it meanwhile.
  const step = new RepeatedStep<Results>(model, cache, (counter) => {
    const logits = model.forward(unread, { cache })
    return processor ? { logits } : draw(logits, counter)
  })
  const processed = (logits: Tensor, counter: number): Drawn => {
    const drawn = device.scope(() => draw(logits, counter))
    for (const tensor of Object.values(drawn)) tensor.keep()
    return drawn
  }
  let first = 0
  let last = 0
  let cachedTokens = 0
  /** What is drawn outside of the step. */
  let own: Drawn | undefined
  try {
    own = device.scope(() => {
      const read = prefillPrompt(model, cache, ids, options.prefixes)
      cachedTokens = read.cachedTokens
      return draw(read.logits, 0)
    })
    for (const tensor of Object.values(own)) tensor.keep()
    for (let drawn: Drawn | undefined = own, counter = 1; drawn; counter++) {
      const { token, logits } = drawn
      const reading = Promise.all([token.data(), logits && scoreTokens(logits, token, scores!)])
      // The next step needs the token only on the device: it is queued before the id is known here.
      const next: Results | undefined = answer.room > 1 ? step.run(counter) : undefined
      if (next) device.flush()
      const [data, scored] = await reading
      const id = drawnToken(data[0]!)
      last = performance.now()
      first ||= last
      const text = answer.push(id)
      yield { token: id, text, ...(scored && { scored: scored[0]! }) }
      if (answer.finishReason) break
      throwIfAborted(options.signal)
      drawn = next as Drawn | undefined
      if (!processor) continue
      processor.accept([id])
      dispose(own)
      own = drawn = processed(next!.logits!, counter)
      device.flush()
    }
  } finally {
    if (own) dispose(own)
    processor?.dispose()
    step.dispose()
    unread.dispose()
    cache.dispose()
  }
  return {
    tokens: answer.tokens,
    text: answer.text,
    finishReason: answer.finishReason ?? 'length',
    promptTokens: ids.length,
    cachedTokens,
    timings: { promptSeconds: (first - started) / 1000, decodeSeconds: (last - first) / 1000 },
  }
}

/** A token, u32 [1], and the logits that it was drawn from, f32 [1, vocabulary], if they are wanted. */
type Drawn = { token: Tensor; logits?: Tensor }

/** Of a step: what it has drawn, or the logits alone that the next token is drawn from once what is done to them is known. */
type Results = Partial<Drawn>

function dispose(drawn: Drawn): void {
  for (const tensor of Object.values(drawn)) tensor.dispose()
}

/** @throws OutriderError ABORTED once the signal has fired */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new OutriderError('ABORTED', 'Generation was aborted.', { cause: signal.reason })
}
