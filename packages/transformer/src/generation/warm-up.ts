import type { CausalLM } from '../model/index'
import { throwIfAborted } from './generate'
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
  onProgress?: ((progress: WarmUpProgress) => void) | undefined
  signal?: AbortSignal | undefined
}

/**
 * Compiles what decoding needs before the first token, by passes over made-up tokens: kernels are compiled when they first
 * run, and passes over 1, 2, 4, 8 and 16 rows or more have kernels of their own. Drivers that keep what they compiled make it
 * short the next time. It frees all the memory it takes.
 *
 * @param options  the sampling that will be used, as greedy decoding and drawing have different kernels
 * @throws OutriderError ABORTED when the signal says so
 */
export async function warmUp(model: CausalLM, { onProgress, signal, ...options }: WarmUpOptions = {}): Promise<void> {
  const { device, config } = model
  const sampling = resolveSampling(options)
  const passes = [1, 2, 4, 8, 16].filter((rows) => rows <= config.contextLength)
  for (const [i, rows] of passes.entries()) {
    throwIfAborted(signal)
    const cache = model.createCache({ capacity: rows })
    try {
      device.scope(() => {
        sampleTokens(prefill(model, cache, [madeUpTokens(rows, config.vocabularySize)]), sampling, 0)
      })
      await device.idle()
    } finally {
      cache.dispose()
    }
    onProgress?.({ done: i + 1, total: passes.length, pipelines: device.counters.pipelines })
  }
}

/** Any tokens. */
export const madeUpTokens = (count: number, vocabularySize: number): number[] =>
  Array.from({ length: count }, (_, i) => (i * 7 + 1) % vocabularySize)
