import type { DraftStop } from './draft-stop'

/** How many tokens of a draft are proposed, in float64. @param rows  p at each position */
export function draftEnd(stop: DraftStop, rows: readonly ArrayLike<number>[], tokens: ArrayLike<number>): number {
  for (let i = 0; i < tokens.length; i++) {
    if ('confidence' in stop) {
      if (rows[i]![tokens[i]!]! < stop.confidence) return i + 1
      continue
    }
    const entropy = Array.from(rows[i]!, (p) => (p > 0 ? -p * Math.log(p) : 0)).reduce((a, b) => a + b, 0)
    if (i > 0 && 1 - Math.sqrt(entropy / 4) < stop.acceptance) return i
  }
  return tokens.length
}
