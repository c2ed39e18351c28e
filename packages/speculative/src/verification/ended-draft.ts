import type { VerificationInput } from './rule'

/** How many tokens of a draft are proposed: a number that those tokens decide, whatever comes after them. */
export type DraftEnd = (tokens: readonly number[]) => number

/** A draft of which `count` tokens are proposed, as a rule's reference sees it: one that is no longer. */
export function endedDraft({ p, q, tokens, uniforms }: VerificationInput, count: number): VerificationInput {
  const drawn = Array.from(uniforms)
  return {
    p: p.slice(0, count),
    q: q.slice(0, count + 1),
    tokens: Array.from(tokens).slice(0, count),
    uniforms: [...drawn.slice(0, count), drawn[tokens.length]!],
  }
}
