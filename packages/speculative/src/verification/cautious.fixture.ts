import { defineVerification } from './define-verification'
import { drawFrom } from './draw'

/**
 * A stranger's rule, and exact: drafted tokens are accepted half as often as could be, with probability ½·min(1, q/p), and what
 * follows a rejection makes up for it, norm(q − ½·min(p, q)).
 */
export const cautiousVerification = defineVerification({
  name: 'cautious',
  keeps: 'unbroken',
  passes: 'u * p < 0.5 * min(p, q)',
  residual: 'q - 0.5 * min(p, q)',
  reference({ p, q, tokens, uniforms }) {
    const draftLength = tokens.length
    for (let i = 0; i < draftLength; i++) {
      const x = tokens[i]!
      if (uniforms[i]! < 0.5 * Math.min(1, q[i]![x]! / p[i]![x]!)) continue
      const left = Array.from(q[i]!, (goal, y) => goal - 0.5 * Math.min(goal, p[i]![y]!))
      return { accepted: i, next: drawFrom(left, uniforms[draftLength]!, q[i]!) }
    }
    return { accepted: draftLength, next: drawFrom(q[draftLength]!, uniforms[draftLength]!, [1]) }
  },
})
