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
  reference({ draft, target, tokens, uniforms }) {
    const draftLength = tokens.length
    for (let i = 0; i < draftLength; i++) {
      const [p, q, x] = [draft[i]!, target[i]!, tokens[i]!]
      if (uniforms[i]! < 0.5 * Math.min(1, q[x]! / p[x]!)) continue
      const left = Array.from(q, (goal, y) => goal - 0.5 * Math.min(goal, p[y]!))
      return { accepted: i, next: drawFrom(left, uniforms[draftLength]!, q) }
    }
    return { accepted: draftLength, next: drawFrom(target[draftLength]!, uniforms[draftLength]!, [1]) }
  },
})
