import type { Drafter, DraftSession, SessionOptions } from './drafter'
import { oneHot } from './probability-rows'

export interface PromptLookupOptions {
  /** The longest n-gram to look for; shorter ones are tried after it. Default 3. */
  maxNgram?: number
  /** The shortest. Default 1. */
  minNgram?: number
}

/**
 * Drafts what followed the last tokens when they occurred before (Saxena 2023, "Prompt Lookup Decoding"): the baseline
 * that a model has to beat. It is certain of its tokens: p is one-hot.
 */
export function promptLookup({ maxNgram = 3, minNgram = 1 }: PromptLookupOptions = {}): Drafter {
  return {
    name: `prompt lookup, n-grams of ${minNgram} to ${maxNgram}`,
    parameterCount: 0,
    open: ({ device, vocabularySize }: SessionOptions): DraftSession => ({
      draft({ tokens, draftLength }) {
        const continuation = lookUp(tokens, { maxNgram, minNgram, count: draftLength })
        if (continuation.length === 0) return null
        const ids = device.tensor(Uint32Array.from(continuation))
        return { tokens: ids, probabilities: oneHot(ids, vocabularySize) }
      },
      keep() {},
      dispose() {},
    }),
  }
}

/** Up to `count` tokens that followed the latest earlier occurrence of the longest n-gram that ends the sequence. */
export function lookUp(
  tokens: readonly number[],
  { maxNgram, minNgram, count }: { maxNgram: number; minNgram: number; count: number },
): number[] {
  for (let n = Math.min(maxNgram, tokens.length - 1); n >= minNgram; n--) {
    const end = tokens.length - n
    for (let start = end - 1; start >= 0; start--) {
      let same = 0
      while (same < n && tokens[start + same] === tokens[end + same]) same++
      if (same === n) return tokens.slice(start + n, start + n + count)
    }
  }
  return []
}
