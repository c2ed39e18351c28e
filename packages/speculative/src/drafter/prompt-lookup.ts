import type { Drafter } from './drafter'
import { type Continuation, lookupSession } from './lookup-session'
import { longestMatch, type Match, TokenIndex } from './token-index'

export interface PromptLookupOptions {
  /** Tokens at the end of the text that must have occurred before. Default 2. */
  minNgram?: number
}

/**
 * Drafts what followed the last tokens when they occurred before in the conversation (Saxena 2023, "Prompt Lookup Decoding"): of
 * the places where the most of them did, the newest. It needs no training and is the baseline that a model has to beat. It is
 * certain of its tokens: p is one-hot.
 */
export function promptLookup({ minNgram = 2 }: PromptLookupOptions = {}): Drafter {
  return {
    name: 'prompt lookup',
    parameterCount: 0,
    open: ({ capacity }) => {
      let index = new TokenIndex(minNgram, capacity)
      return lookupSession('prompt', {
        find(tokens, limit): Continuation | null {
          for (let i = index.length; i < tokens.length; i++) index.add(tokens[i]!)
          const match = longestOf(index.matches(tokens))
          return match && { ids: index.from(match.next, limit), match: match.length }
        },
        acceptance: (match) => 1 - 0.6 / match,
        // Only where tokens are taken back does the text no longer begin with what was read.
        keep(length) {
          if (length < index.length) index = new TokenIndex(minNgram, capacity)
        },
      })
    },
  }
}

/** The newest of the longest. */
function longestOf(matches: Iterable<Match>): Match | null {
  let longest: Match | null = null
  for (const match of matches) {
    if (match.length > (longest?.length ?? 0)) longest = match
    if (match.length === longestMatch) break
  }
  return longest
}
