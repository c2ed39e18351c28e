import { OutriderError } from '@outrider/tensor'
import { BatchCache, type CausalLM, type PretrainedModel } from '@outrider/transformer'
import { ApiError } from '../api-error'
import type { Decoding } from '../engine/decoding'
import type { PreparedDecoding } from '../engine/prepare-decoding'
import type { GenerationRequest } from '../requests/generation-request'
import type { Scratch } from './measure-scratch'
import type { MemoryBudget } from './memory-budget'

export interface BoundedDecodingOptions {
  budget: MemoryBudget
  target: PretrainedModel<CausalLM>
  /** Models that draft: each has keys and values of its own for each request. */
  drafts: readonly CausalLM[]
  scratch: Scratch
}

type Asked = Pick<GenerationRequest, 'prompt' | 'maxTokens'>

/**
 * Decodes within a bound of memory: a request begins when the most that it can take is there, beside what those who run can still take.
 * What each of these takes for a moment is set aside.
 */
export function boundedDecoding(
  { decoding, dispose }: PreparedDecoding,
  { budget, target, drafts, scratch }: BoundedDecodingOptions,
): PreparedDecoding {
  const needs = requestBytes(target, drafts)
  const giveBack = budget.setAside({
    pass: scratch.pass,
    bytes: () => decoding.count * scratch.step + decoding.growth(),
  })
  const bounded: Decoding = {
    ...decoding,
    get count() {
      return decoding.count
    },
    fits: (request) =>
      decoding.fits(request) &&
      budget.makeRoom(needs(request, Math.max(0, decoding.growth(request) - decoding.growth())) + scratch.step),
    refusal: (request) => neverFits(request, needs(request) + scratch.pass + scratch.step, budget),
    async step() {
      if (!budget.makeRoom()) decoding.trim()
      await decoding.step()
    },
  }
  return {
    decoding: bounded,
    dispose() {
      giveBack()
      dispose()
    },
  }
}

/**
 * The most keys and values of a request: a cache that it is read into, its place in the batch's, and one of each model that drafts.
 *
 * @throws OutriderError UNSUPPORTED for a model that does not say what its caches take
 */
export function requestBytes(target: PretrainedModel<CausalLM>, drafts: readonly CausalLM[]) {
  const alone = new BatchCache(target, 1)
  const cacheBytes = (model: CausalLM, capacity: number): number => {
    const bytes = model.cacheBytes?.({ capacity: Math.min(capacity, model.config.contextLength) })
    if (bytes !== undefined) return bytes
    throw new OutriderError(
      'UNSUPPORTED',
      'A model does not say what its caches take, so no bound of memory can be kept.',
      {
        remedy: 'Give its class `cacheBytes`, or the server no bound.',
      },
    )
  }
  cacheBytes(target.model, 1)
  /** @param growth  of the batch's cache; default of a batch without others */
  return ({ prompt, maxTokens }: { prompt: { length: number }; maxTokens: number }, growth?: number): number => {
    const tokens = prompt.length + maxTokens
    const own = drafts.map((draft) => cacheBytes(draft, tokens))
    return (
      (growth ?? alone.growth(tokens)!) +
      own.reduce((sum, bytes) => sum + bytes, cacheBytes(target.model, prompt.length))
    )
  }
}

function neverFits({ prompt, maxTokens }: Asked, bytes: number, budget: MemoryBudget): ApiError | undefined {
  if (budget.floor + bytes <= budget.maxBytes) return undefined
  const left = Math.max(0, budget.maxBytes - budget.floor)
  return new ApiError(
    400,
    `${prompt.length} tokens of a prompt and ${maxTokens} of an answer may take ${mebibytes(bytes)} of the device; beside the model there are ${mebibytes(left)}. Ask for less.`,
    { param: 'max_tokens', code: 'memory_exceeded' },
  )
}

/**
 * Makes sure that a request of so many tokens has room beside the model while no other is there.
 *
 * @throws OutriderError OUT_OF_MEMORY with the longest that has
 */
export function assertOneFits(
  contextLength: number,
  { budget, target, drafts, scratch }: BoundedDecodingOptions,
): void {
  const needs = requestBytes(target, drafts)
  const { pass, step } = scratch
  const bytes = (tokens: number) => needs({ prompt: { length: Math.max(1, tokens - 1) }, maxTokens: 1 }) + pass + step
  const left = budget.maxBytes - budget.floor
  if (bytes(contextLength) <= left) return
  let [fits, most] = [0, contextLength]
  while (most - fits > 1) {
    const middle = (fits + most) >> 1
    if (bytes(middle) <= left) fits = middle
    else most = middle
  }
  throw new OutriderError(
    'OUT_OF_MEMORY',
    `A request of ${contextLength} tokens may take ${mebibytes(bytes(contextLength))} of the device. Of ${mebibytes(budget.maxBytes)} that may be used, the model${drafts.length > 0 ? ' and its draft take' : ' takes'} ${mebibytes(budget.floor)}.`,
    {
      remedy:
        fits > 1
          ? `Give it more memory, or bound requests at ${fits} tokens.`
          : 'Give it more memory, a smaller model, or weights of fewer bits.',
      details: { maxBytes: budget.maxBytes, modelBytes: budget.floor, requestBytes: bytes(contextLength), fits },
    },
  )
}

export const mebibytes = (bytes: number) => `${Number((bytes / 2 ** 20).toPrecision(4))} MiB`
