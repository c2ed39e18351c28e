import { defineVerification } from './define-verification'
import { drawFrom, residual } from './draw'
import type { VerificationRule } from './rule'

/**
 * Token verification (Leviathan et al. 2023, arXiv 2211.17192; Chen et al. 2023, arXiv 2302.01318). Drafted token i is accepted
 * with probability min(1, q(xᵢ)/p(xᵢ)); the first rejection ends the block with a draw from norm(max(q − p, 0)), full
 * acceptance with a draw from q (the bonus token).
 *
 * The test is the strict u·p < q: with u in [0, 1) it has the same probability as u ≤ q/p and never accepts a token of
 * which the target gives none.
 */
export const tokenVerification: VerificationRule = defineVerification({
  name: 'token',
  keeps: 'unbroken',
  passes: 'u * p < q',
  residual: 'max(q - p, 0.0)',
  reference({ p, q, tokens, uniforms }) {
    const draftLength = tokens.length
    for (let i = 0; i < draftLength; i++) {
      const x = tokens[i]!
      if (uniforms[i]! * p[i]![x]! < q[i]![x]!) continue
      return { accepted: i, next: drawFrom(residual(q[i]!, p[i]!), uniforms[draftLength]!, q[i]!) }
    }
    return { accepted: draftLength, next: drawFrom(q[draftLength]!, uniforms[draftLength]!, [1]) }
  },
})
