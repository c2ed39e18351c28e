import type { Tensor } from '@outrider/tensor'
import type { CausalLM, KvCache } from '../model/index'
import { prefill } from './prefill'
import type { Prefixes } from './prefix-cache'

/**
 * Reads a prompt into an empty cache of one sequence, but for what is kept of its beginning, and keeps what has been read. The logits have
 * the bits that they have without anything kept.
 *
 * @returns logits of the token after the last, f32 [1, vocabulary], the caller's to free; and how many tokens were given, not read
 * @throws OutriderError CONTEXT_OVERFLOW where the cache has no room for them
 */
export function prefillPrompt(
  model: CausalLM,
  cache: KvCache,
  tokens: readonly number[],
  prefixes: Prefixes | undefined,
): { logits: Tensor; cachedTokens: number } {
  const cachedTokens = prefixes?.restore(model, cache, tokens) ?? 0
  const logits = prefill(model, cache, tokens.slice(cachedTokens))
  prefixes?.keep(model, cache, tokens)
  return { logits, cachedTokens }
}
