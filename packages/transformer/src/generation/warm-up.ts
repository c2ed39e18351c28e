import { spanOf, unlimited } from '@outrider/tensor/internal'
import { type CausalLM, headsOf } from '../model/index'
import { useOrTune } from '../tuning/use-tuning'
import { throwIfAborted } from './generate'
import { scoreTokens } from './log-probabilities'
import { prefill } from './prefill'
import { sampleTokens } from './sample'
import { resolveSampling, type SamplingOptions } from './sampling-options'

export interface WarmUpProgress {
  /** Passes done, and how many there are. */
  done: number
  total: number
  /** Kernels that the device has compiled since it was made. */
  pipelines: number
}

export interface WarmUpOptions extends SamplingOptions {
  /** Compile what scoring tokens needs, too, with so many of the likeliest. Default: not. */
  logProbabilities?: number | undefined
  /**
   * Use the kernels that tuning found on this adapter, and find them first where it never did, which takes up to 10 seconds
   * (`tuneKernels`). Default: not.
   */
  tune?: boolean | undefined
  onProgress?: ((progress: WarmUpProgress) => void) | undefined
  signal?: AbortSignal | undefined
}

/**
 * Compiles what decoding needs before the first token, by passes over made-up tokens: kernels are compiled when they first
 * run, and passes over 1, 2, 4, 8, 16 rows and more have kernels of their own, as long sequences have on GPUs. Drivers that keep
 * what they compiled make it short the next time. It frees all the memory it takes.
 *
 * @param options  the sampling that will be used, as greedy decoding and drawing have different kernels
 * @throws OutriderError ABORTED when the signal says so
 */
export async function warmUp(
  model: CausalLM,
  { onProgress, signal, logProbabilities, tune = false, ...options }: WarmUpOptions = {},
): Promise<void> {
  const { device, config } = model
  const sampling = resolveSampling(options)
  if (tune) await useOrTune(model, { signal })
  const passes = [
    ...[1, 2, 4, 8, 16, 17].map((rows) => ({ before: 0, rows })),
    { before: Math.max(longSequence, tunedPart(model)), rows: 1 },
  ]
  const possible = passes.filter(({ before, rows }) => before + rows <= config.contextLength)
  for (const [i, { before, rows }] of possible.entries()) {
    throwIfAborted(signal)
    const cache = model.createCache({ capacity: before + rows, context: config.contextLength })
    try {
      // What is there instead of tokens does not matter, for nobody reads the result.
      cache.advance([before])
      const scored = device.scope(() => {
        const logits = prefill(model, cache, madeUpTokens(rows, config.vocabularySize))
        const tokens = sampleTokens(logits, sampling, 0)
        return logProbabilities === undefined ? undefined : scoreTokens(logits, tokens, logProbabilities)
      })
      await scored
      await device.idle()
    } finally {
      cache.dispose()
    }
    onProgress?.({ done: i + 1, total: possible.length, pipelines: device.counters.pipelines })
  }
}

/** Tokens from which on GPUs that were not tuned read a sequence in parts: `selectSpan` cuts at 256 keys. */
export const longSequence = 256

/** The keys of a part, where decoding has parts. */
function tunedPart({ device, config, cacheDtype: cache = 'f32' }: CausalLM): number {
  const heads = headsOf({ config })
  const keys = heads ? spanOf(device, 1, { ...heads, cache }) : unlimited
  return keys === unlimited ? 0 : keys
}

/** Any tokens. */
export const madeUpTokens = (count: number, vocabularySize: number): number[] =>
  Array.from({ length: count }, (_, i) => (i * 7 + 1) % vocabularySize)
