import { OutriderError } from '@outrider/tensor'

/**
 * How the next token is drawn. The order is vLLM's (docs.vllm.ai, vllm.v1.sample.sampler): a constraint's mask, bias, penalties,
 * temperature, min-p, top-k, top-p.
 */
export interface SamplingOptions {
  /** 0 takes the likeliest token always. Default 0. */
  temperature?: number | undefined
  /** Only the k likeliest tokens; 0 for all. Default 0. */
  topK?: number | undefined
  /** Only the likeliest tokens that together have this probability; 1 for all. Default 1. */
  topP?: number | undefined
  /** Only tokens at least so likely as a share of the likeliest one's probability; 0 for all. Default 0. */
  minP?: number | undefined
  /** What is added to the logits of tokens, by id. Default nothing. */
  logitBias?: Readonly<Record<number, number>> | undefined
  /** Taken off the logit of each token that the answer has. Default 0. */
  presencePenalty?: number | undefined
  /** Taken off a token's logit once for each time that the answer has it. Default 0. */
  frequencyPenalty?: number | undefined
  /** What positive logits of tokens in the prompt or the answer are divided by, and negative ones multiplied with. Default 1. */
  repetitionPenalty?: number | undefined
  /** The same seed gives the same tokens on the same adapter. Default 0. */
  seed?: number | undefined
}

/** Sampling options with every default filled in. */
export interface Sampling {
  temperature: number
  topK: number
  topP: number
  minP: number
  logitBias: Readonly<Record<number, number>>
  presencePenalty: number
  frequencyPenalty: number
  repetitionPenalty: number
  seed: number
}

/**
 * Fills in the defaults and checks the values.
 *
 * @throws OutriderError INVALID_ARGUMENT, naming the option and its range
 */
export function resolveSampling({
  temperature = 0,
  topK = 0,
  topP = 1,
  minP = 0,
  logitBias = {},
  presencePenalty = 0,
  frequencyPenalty = 0,
  repetitionPenalty = 1,
  seed = 0,
}: SamplingOptions = {}): Sampling {
  const check = (valid: boolean, name: string, value: unknown, range: string) => {
    if (!valid)
      throw new OutriderError('INVALID_ARGUMENT', `${name} is ${value}; it must be ${range}.`, {
        details: { option: name, value },
      })
  }
  check(Number.isFinite(temperature) && temperature >= 0, 'temperature', temperature, '0 or more')
  check(Number.isSafeInteger(topK) && topK >= 0, 'topK', topK, 'a whole number, 0 for all tokens')
  check(topP > 0 && topP <= 1, 'topP', topP, 'above 0 and at most 1')
  check(minP >= 0 && minP <= 1, 'minP', minP, 'from 0 to 1')
  for (const [id, bias] of Object.entries(logitBias)) {
    check(/^\d+$/.test(id), 'logitBias', `for ${JSON.stringify(id)}`, 'for ids of tokens')
    check(Number.isFinite(bias), `logitBias[${id}]`, bias, 'a finite number')
  }
  check(Number.isFinite(presencePenalty), 'presencePenalty', presencePenalty, 'a finite number')
  check(Number.isFinite(frequencyPenalty), 'frequencyPenalty', frequencyPenalty, 'a finite number')
  const repeats = repetitionPenalty > 0 && Number.isFinite(repetitionPenalty)
  check(repeats, 'repetitionPenalty', repetitionPenalty, 'above 0')
  check(Number.isSafeInteger(seed) && seed >= 0, 'seed', seed, 'a whole number, 0 or more')
  const penalties = { presencePenalty, frequencyPenalty, repetitionPenalty }
  return { temperature, topK, topP, minP, logitBias, ...penalties, seed }
}
