import { blockVerification, tokenVerification, type VerificationRule } from '@outrider/speculative'
import { uniform01 } from '@outrider/tensor'

/** A draft and a target over six symbols, the same at every position. α = Σ min(p, q) = 0.75. */
export const symbols = ['a', 'b', 'c', 'd', 'e', 'f']
export const p = [0.4, 0.2, 0.1, 0.1, 0.1, 0.1]
export const q = [0.15, 0.2, 0.25, 0.2, 0.1, 0.1]

export const rules = { token: tokenVerification, block: blockVerification }

/** Drafts and verifies many blocks with the rules that are the GPU kernels' references. */
export function simulate(
  rule: VerificationRule,
  draftLength: number,
  blocks: number,
): { first: number; accepted: number }[] {
  const draft = Array.from({ length: draftLength }, () => p)
  const target = Array.from({ length: draftLength + 1 }, () => q)
  const drawsPerBlock = 2 * draftLength + 1
  return Array.from({ length: blocks }, (_, block) => {
    const uniforms = Array.from({ length: drawsPerBlock }, (_, i) => uniform01(1, block * drawsPerBlock + i))
    const tokens = uniforms.slice(draftLength + 1).map((u) => drawSymbol(p, u))
    const { accepted, next } = rule.reference({
      p: draft,
      q: target,
      tokens,
      uniforms: uniforms.slice(0, draftLength + 1),
    })
    return { first: accepted > 0 ? tokens[0]! : next, accepted }
  })
}

function drawSymbol(distribution: readonly number[], u: number): number {
  let rest = u
  for (const [symbol, probability] of distribution.entries()) {
    rest -= probability
    if (rest < 0) return symbol
  }
  return distribution.length - 1
}
