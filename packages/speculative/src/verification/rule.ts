/** How drafted tokens are accepted: one by one (Leviathan et al. 2023) or as a block (Sun et al. 2025). */
export type Verification = 'token' | 'block'

/** What a verification rule sees of one block. Distributions are normalised; p is what the tokens were drawn from. */
export interface VerificationInput {
  /** The draft's distributions p, [γ][V]: row i is the one that `tokens[i]` was drawn from. */
  draft: readonly ArrayLike<number>[]
  /** The target's distributions q, [γ + 1][V]: row i follows the first i drafted tokens. */
  target: readonly ArrayLike<number>[]
  /** The drafted ids x, [γ]. */
  tokens: ArrayLike<number>
  /** Independent uniforms in [0, 1), [γ + 1]: one for each drafted token, and the last for the token after them. */
  uniforms: ArrayLike<number>
}

/** Where a block ends: after `accepted` drafted tokens, with one token drawn by the rule. */
export interface Verdict {
  accepted: number
  next: number
}

/** The distribution that follows a rejection, up to its norm: max(w·q − p, 0). */
export function residual(q: ArrayLike<number>, p: ArrayLike<number>, w = 1): Float64Array {
  return Float64Array.from({ length: q.length }, (_, x) => Math.max(w * q[x]! - p[x]!, 0))
}

export function total(weights: ArrayLike<number>): number {
  let sum = 0
  for (let x = 0; x < weights.length; x++) sum += weights[x]!
  return sum
}

/**
 * The id at which the running sum of `weights` passes u·Σ; `fallback` takes the place of weights that are all zero.
 * Never an id of weight zero, however the sums round.
 */
export function drawFrom(weights: ArrayLike<number>, u: number, fallback: ArrayLike<number>): number {
  const sum = total(weights)
  if (!(sum > 0)) return drawFrom(fallback, u, [1])
  let rest = u * sum
  let last = 0
  for (let x = 0; x < weights.length; x++) {
    if (!(weights[x]! > 0)) continue
    last = x
    if (rest < weights[x]!) return x
    rest -= weights[x]!
  }
  return last
}
