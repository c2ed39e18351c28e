import { OutriderError } from '@outrider/tensor'

/** How the next token is drawn. The order is that of transformers: temperature, then top-k, then top-p. */
export interface SamplingOptions {
  /** 0 takes the likeliest token always. Default 0. */
  temperature?: number | undefined
  /** Only the k likeliest tokens; 0 for all. Default 0. */
  topK?: number | undefined
  /** Only the likeliest tokens that together have this probability; 1 for all. Default 1. */
  topP?: number | undefined
  /** The same seed gives the same tokens on the same adapter. Default 0. */
  seed?: number | undefined
}

/** Sampling options with every default filled in. */
export interface Sampling {
  temperature: number
  topK: number
  topP: number
  seed: number
}

/**
 * Fills in the defaults and checks the values.
 *
 * @throws OutriderError INVALID_ARGUMENT, naming the option and its range
 */
export function resolveSampling({ temperature = 0, topK = 0, topP = 1, seed = 0 }: SamplingOptions = {}): Sampling {
  const check = (valid: boolean, name: string, value: unknown, range: string) => {
    if (!valid)
      throw new OutriderError('INVALID_ARGUMENT', `${name} is ${value}; it must be ${range}.`, {
        details: { option: name, value },
      })
  }
  check(Number.isFinite(temperature) && temperature >= 0, 'temperature', temperature, '0 or more')
  check(Number.isSafeInteger(topK) && topK >= 0, 'topK', topK, 'a whole number, 0 for all tokens')
  check(topP > 0 && topP <= 1, 'topP', topP, 'above 0 and at most 1')
  check(Number.isSafeInteger(seed) && seed >= 0, 'seed', seed, 'a whole number, 0 or more')
  return { temperature, topK, topP, seed }
}
