/**
 * Which tokens may come next as an answer grows: a grammar, a JSON schema, a choice of texts. It lives on the host and knows ids
 * alone. Decoding asks it before each token, masks the logits of all others, and tells it what was said.
 *
 * What masking means for the distribution: every token is drawn from q(x)·[x allowed] / Σ q·[allowed], the target's probabilities
 * given the text so far, renormalised token by token. It is not the target's distribution over whole texts given that they match:
 * where the model would have gone on unlike the constraint, its weight goes to what is allowed there, not to other texts. With a
 * draft it is that same distribution, exactly.
 *
 * An option `constraint` is left as it is given: each answer works on a `clone` of it.
 */
export interface TokenConstraint {
  /**
   * The ids that may come next, a bit each: id is allowed where `words[id >> 5] >>> (id & 31) & 1`. Ids beyond the words are not
   * allowed. Null allows all. At least one must be allowed: where the text is complete, the end tokens (and whatever else may
   * follow). The words are read at once and never written; they may be the same memory each time.
   */
  allowed(): Uint32Array | null
  /** Goes on after a token that is allowed, end tokens among them; after an end token nothing is asked any more. */
  accept(token: number): void
  /**
   * At most so many ids that spell what must come next, where no other text may: they are drafted without a model. A guess, for one
   * text can be cut into tokens in several ways, and verified as any draft is. Left out, it is the ids that are alone in their masks.
   */
  forced?(most: number): readonly number[]
  /** Another that stands where this one does and goes its own way: drafted tokens are tried on one. Called for every block. */
  clone(): TokenConstraint
}

/** Whether a mask, as `allowed` gives it, allows an id. */
export const isAllowed = (mask: Uint32Array | null, id: number): boolean =>
  mask === null || (((mask[id >>> 5] ?? 0) >>> (id & 31)) & 1) === 1

/** The only id that a mask allows; undefined where it allows several, or all. */
export function onlyAllowed(mask: Uint32Array | null): number | undefined {
  if (!mask) return undefined
  const at = mask.findIndex((word) => word !== 0)
  const word = mask[at] ?? 0
  const isAlone = (word & (word - 1)) === 0 && mask.every((other, i) => i === at || other === 0)
  return at < 0 || !isAlone ? undefined : 32 * at + 31 - Math.clz32(word)
}
