import type { Tensor } from '@outrider/tensor'
import type { CausalLM, KvCache } from '../model/index'
import { dispose, type Said, say } from './said'

/**
 * Texts are cut at multiples of so many positions, which bounds the memory of a pass. Passes of few rows may be computed by other
 * kernels than those of many: so where one ends is a matter of the position alone, never of who else is read.
 */
export const prefillPositions = 2048

/**
 * Reads tokens into a cache of one sequence, behind what is there. Generation, alone and in batches, and speculation read their
 * prompts by this, and so to the same bits.
 *
 * @param tokens  ids, one at least
 * @returns logits of the token after the last, f32 [1, vocabulary]; the caller's to free
 * @throws OutriderError CONTEXT_OVERFLOW where the cache has no room for them
 */
export const prefill = (model: CausalLM, cache: KvCache, tokens: readonly number[]): Tensor =>
  prefilled(model, cache, tokens, false).logits

/** `prefill`, with the hidden states of the last token where these are wanted. */
export function prefilled(model: CausalLM, cache: KvCache, tokens: readonly number[], wantsHidden: boolean): Said {
  const { device } = model
  const read = (piece: readonly number[], hidden: boolean) => {
    using rows = device.tensor(Uint32Array.from(piece), { shape: [1, piece.length] })
    return say(model, rows, { cache }, hidden)
  }
  const pieces = cutAtMultiples(tokens, cache.lengths[0]!)
  for (const piece of pieces.slice(0, -1)) {
    dispose(read(piece, false))
    device.flush()
  }
  return read(pieces.at(-1)!, wantsHidden)
}

/** Tokens from `position` on, in pieces that end at multiples. */
function cutAtMultiples(tokens: readonly number[], position: number): (readonly number[])[] {
  const first = prefillPositions - (position % prefillPositions)
  if (tokens.length <= first) return [tokens]
  return [tokens.slice(0, first), ...cutAtMultiples(tokens.slice(first), position + first)]
}
