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
      const found = longestOf(index, tokens)
      if (!found) return null
      const { match, evidence } = found
      const ids = index.from(match.next, limit)
      const { name, first, least } = lengthClass(match.length)
      const acceptance = ids.map((_, i) => (i === 0 ? first[evidence] : Math.max(least, followed(i))))
      return { ids, kind: `${name} ${evidence}`, acceptance }
    },
    // Only where tokens are taken back does the text no longer begin with what was read.
    keep(length) {
      if (length < index.length) index = new TokenIndex(minNgram, capacity)
    },
  })
}

/**
 * What the places say that the last tokens had before: there was one; there were more, and the same token followed in all; or
 * different ones did.
 */
type Evidence = 'once' | 'agreed' | 'disputed'

/** Matches of at least so many tokens, how often the first token after them was accepted, and the next ones at least. */
interface LengthClass {
  from: number
  name: string
  first: Record<Evidence, number>
  least: number
}

// Of the 1,529 answers of SmolLM2-135M-Instruct, to instructions and sums and about stories, that examples/smollm2 keeps a table of.
const lengthClasses: readonly LengthClass[] = [
  { from: 1, name: '1', first: { once: 0.27, agreed: 0.56, disputed: 0.15 }, least: 0 },
  { from: 2, name: '2', first: { once: 0.55, agreed: 0.78, disputed: 0.35 }, least: 0 },
  { from: 3, name: '3', first: { once: 0.67, agreed: 0.78, disputed: 0.38 }, least: 0 },
  { from: 4, name: '4–8', first: { once: 0.75, agreed: 0.88, disputed: 0.43 }, least: 0.65 },
  { from: 9, name: '9+', first: { once: 0.95, agreed: 0.97, disputed: 0.87 }, least: 0.9 },
]

const lengthClass = (match: number): LengthClass => lengthClasses.findLast(({ from }) => match >= from)!

/** How often token i of a draft was accepted where those before it were. */
const followed = (i: number) => [0, 0.53, 0.62, 0.66, 0.68, 0.72][i] ?? 0.75

/** The newest of the longest matches. */
function longestOf(index: TokenIndex, tokens: readonly number[]): { match: Match; evidence: Evidence } | null {
  let longest: Match | null = null
  let places = 0
  const following = new Set<number>()
  for (const match of index.matches(tokens)) {
    places++
    following.add(index.at(match.next))
    if (match.length > (longest?.length ?? 0)) longest = match
    if (match.length === longestMatch) break
  }
  return longest && { match: longest, evidence: following.size > 1 ? 'disputed' : places > 1 ? 'agreed' : 'once' }
}
