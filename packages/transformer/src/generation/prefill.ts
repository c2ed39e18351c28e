import type { Tensor } from '@outrider/tensor'
import type { CausalLM, KvCache } from '../model/index'
import { dispose, say } from './said'

/** The most positions of a pass, which bounds its memory. */
export const prefillPositions = 2048

/**
 * Passes end at multiples of so many positions; what is behind the last multiple is a pass of its own. Passes of few rows may be
 * computed by other kernels than those of many: so where these end is a matter of the position alone, and prompts that are read in
 * many pieces, between steps of others, have the bits of those that are read in few.
 */
export const pieceMultiple = 64

/**
 * Reads tokens into a cache of one sequence, behind what is there. Generation, alone and in batches, and speculation read their
 * prompts by this, and so to the same bits.
 *
 * @param tokens  ids, one at least
 * @returns logits of the token after the last, f32 [1, vocabulary]; the caller's to free
 * @throws OutriderError CONTEXT_OVERFLOW where the cache has no room for them
 */
export function prefill(model: CausalLM, cache: KvCache, tokens: readonly number[]): Tensor {
  const { device } = model
  const read = (piece: readonly number[]) => {
    using rows = device.tensor(Uint32Array.from(piece), { shape: [1, piece.length] })
    return say(model, rows, { cache }, false)
  }
  let [first, end] = [0, tokens.length]
  for (const position = cache.lengths[0]!; ; ) {
    const next = endOfPiece(position + first, position + end) - position
    if (next === end) return read(tokens.slice(first)).logits
    dispose(read(tokens.slice(first, next)))
    device.flush()
    first = next
  }
}

/** Where the pass ends that begins at a position of a prompt that ends at another, of `most` rows or little more. */
export function endOfPiece(position: number, end: number, most = prefillPositions): number {
  const last = multipleUpTo(end - 1)
  if (position >= last) return end
  return Math.min(last, multipleUpTo(position + Math.max(most, pieceMultiple)))
}

/** The last place up to here where a pass may end before its text does. */
export const multipleUpTo = (position: number): number => position - (position % pieceMultiple)
