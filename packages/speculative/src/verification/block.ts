import { defineVerification } from './define-verification'
import { drawFrom, residual, total } from './draw'
import type { VerificationRule } from './rule'

/**
 * Block verification (Sun et al., ICLR 2025, arXiv 2403.10444, algorithm 2). With w₀ = 1, wᵢ = min(wᵢ₋₁·q(xᵢ)/p(xᵢ), 1) and
 * Sᵢ = Σₓ max(wᵢ·q(x) − p(x), 0) at position i + 1, the block keeps the largest i with uᵢ < hᵢ, where
 * hᵢ = Sᵢ / (Sᵢ + 1 − wᵢ) for i < γ and h_γ = w_γ (none: 0). It ends with a draw from norm(max(wᵢ·q − p, 0)) at position i + 1,
 * or from q if i = γ. Never fewer tokens in expectation than token by token.
 *
 * The test is multiplied out, so that 0/0 (nothing to correct here) does not accept.
 */
export const blockVerification: VerificationRule = defineVerification({
  name: 'block',
  keeps: 'longest',
  weight: 'min(w * q / p, 1.0)',
  passes: 'select(u * (mass + (1.0 - w)) < mass, u < w, last)',
  residual: 'max(w * q - p, 0.0)',
  reference({ p, q, tokens, uniforms }) {
    const draftLength = tokens.length
    let accepted = 0
    let acceptedWeight = 1
    let w = 1
    for (let i = 1; i <= draftLength; i++) {
      const x = tokens[i - 1]!
      w = Math.min((w * q[i - 1]![x]!) / p[i - 1]![x]!, 1)
      const s = i < draftLength ? total(residual(q[i]!, p[i]!, w)) : w
      const norm = i < draftLength ? s + 1 - w : 1
      if (uniforms[i - 1]! * norm < s) {
        accepted = i
        acceptedWeight = w
      }
    }
    const goal = q[accepted]!
    const weights = accepted < draftLength ? residual(goal, p[accepted]!, acceptedWeight) : goal
    return { accepted, next: drawFrom(weights, uniforms[draftLength]!, goal) }
  },
})
