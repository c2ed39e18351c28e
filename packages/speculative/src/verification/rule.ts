import type { Tensor } from '@outrider/tensor'

/**
 * How drafted tokens are accepted. Speculative decoding knows a rule as this alone: `defineVerification` makes one of a few
 * expressions, and one with kernels of its own implements the two functions.
 */
export interface VerificationRule {
  readonly name: string
  /** The rule in float64: what its kernels are compared with, and what is proved to keep the target's distribution. */
  reference(input: VerificationInput): Verdict
  /**
   * The rule on the device: equal inputs give equal bits.
   *
   * @returns u32 [2 + 2γ] for `readVerdict`: accepted, next, the proposed tokens with 2³² − 1 in the place of others, and the
   *   bits of α by position; the caller frees it
   * @throws ShapeError if the shapes do not fit together
   */
  verify(input: VerifyInput): Tensor
}

/** What a verification rule sees of one block. Distributions are normalised; p is what the tokens were drawn from. */
export interface VerificationInput {
  /** The draft's distributions, [γ][V]: row i is the one that `tokens[i]` was drawn from. */
  p: readonly ArrayLike<number>[]
  /** The target's distributions, [γ + 1][V]: row i follows the first i drafted tokens. */
  q: readonly ArrayLike<number>[]
  /** The drafted ids, [γ]. */
  tokens: ArrayLike<number>
  /** Independent uniforms in [0, 1), [γ + 1]: one for each drafted token, and the last for the token after them. */
  uniforms: ArrayLike<number>
}

/** The same on the device. */
export interface VerifyInput {
  /** The draft's, f32 [γ, V]. */
  p: Tensor
  /** The target's, f32 [γ + 1, V]. */
  q: Tensor
  /** u32 [γ]. */
  tokens: Tensor
  /** f32 [γ + 1]. */
  uniforms: Tensor
  /**
   * How many of the drafted tokens are proposed, u32 [1]; without it all. The verdict is that on a draft which ends there: what
   * lies behind may be anything. Which tokens are proposed may depend on the proposed ones, so a rule must be exact where the
   * length of the draft does.
   */
  count?: Tensor | undefined
}

/** Where a block ends: after `accepted` drafted tokens, with one token drawn by the rule. */
export interface Verdict {
  accepted: number
  next: number
}
