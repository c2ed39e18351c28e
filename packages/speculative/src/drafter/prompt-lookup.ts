import type { Drafter } from './drafter'
import { type Continuation, type LookupSession, lookupSession } from './lookup-session'
import { longestMatch, type Match, TokenIndex } from './token-index'

export interface PromptLookupOptions {
  /**
   * Tokens at the end of the text that must have occurred before. Default 1: a draft costs nothing. Before a model, with a fixed
   * draft length, 2: what follows one token is accepted less often than what the model drafts.
   */
  minNgram?: number
}

/**
 * Drafts what followed the last tokens when they occurred before in the conversation (Saxena 2023, "Prompt Lookup Decoding"): of
 * the places where the most of them did, the newest. It needs no training and is the baseline that a model has to beat. It is
 * certain of its tokens: p is one-hot.
 */
export function promptLookup({ minNgram = 1 }: PromptLookupOptions = {}): Drafter {
  return {
    name: 'prompt lookup',
    parameterCount: 0,
    open: ({ capacity }) => promptSession(minNgram, capacity),
  }
}

/** It asks for no device. */
export function promptSession(minNgram: number, capacity: number): LookupSession {
  let index = new TokenIndex(minNgram, capacity)
  return lookupSession('prompt', {
    find(tokens, limit): Continuation | null {
      for (let i = index.length; i < tokens.length; i++) index.add(tokens[i]!)
      const match = longestOf(index.matches(tokens))
      if (!match) return null
      const ids = index.from(match.next, limit)
      return { ids, kind: matchClass(match.length), acceptance: ids.map((_, i) => accepted(match.length + i)) }
    },
    // Only where tokens are taken back does the text no longer begin with what was read.
    keep(length) {
      if (length < index.length) index = new TokenIndex(minNgram, capacity)
    },
  })
}

/** How often a token after a match of so many was accepted, by SmolLM2-135M-Instruct on Spec-Bench (BENCHMARKS.md). */
const accepted = (match: number) => [0.22, 0.45, 0.55][match - 1] ?? 0.9

/** 1, 2, 3, and more. */
const matchClass = (match: number) => (match < 4 ? `${match}` : '4+')

/** The newest of the longest. */
function longestOf(matches: Iterable<Match>): Match | null {
  let longest: Match | null = null
  for (const match of matches) {
    if (match.length > (longest?.length ?? 0)) longest = match
    if (match.length === longestMatch) break
  }
  return longest
}
