import { type DraftEnd, endedDraft } from '../verification/ended-draft'
import type { Verdict, VerificationRule } from '../verification/rule'
import { type Chain, probabilityOf, sequences } from './chains'

/** What comes of blocks under a rule, exactly. */
export interface Law {
  /** Of the sequence that is furthest from the target's: the distance of its probabilities. */
  error: number
  sequence: number[]
  /** Its probability as it comes out, and as the target gives it. */
  produced: number
  wanted: number
  /** The mean number of tokens of a block. */
  expectedTokens: number
}

/**
 * The law of γ + 1 tokens after symbol 0: a block under the rule's reference, gone on with by the target, over every draft and
 * every outcome. An exact rule gives the target's own.
 *
 * @param end  how many of the γ tokens are proposed. Default all
 */
export function law(
  reference: VerificationRule['reference'],
  p: Chain,
  q: Chain,
  draftLength: number,
  end: DraftEnd = (tokens) => tokens.length,
): Law {
  const symbols = q.length
  const start = 0
  const produced = new Map<string, number>()
  let expectedTokens = 0
  for (const tokens of sequences(symbols, draftLength)) {
    const drafted = probabilityOf(p, start, tokens)
    if (drafted === 0) continue
    const states = [start, ...tokens]
    const draft = tokens.map((_, i) => p[states[i]!]!)
    const target = states.map((state) => q[state]!)
    const count = end(tokens)
    const verdict = (uniforms: number[]) =>
      reference(endedDraft({ p: draft, q: target, tokens: tokens.slice(0, count), uniforms }, count))
    const verdicts = verdictMeasure(verdict, count + 1)
    for (const [{ accepted, next }, measure] of verdicts) {
      const head = [...tokens.slice(0, accepted), next]
      expectedTokens += drafted * measure * head.length
      for (const tail of sequences(symbols, draftLength + 1 - head.length)) {
        const name = [...head, ...tail].join()
        const weight = drafted * measure * probabilityOf(q, head.at(-1)!, tail)
        produced.set(name, (produced.get(name) ?? 0) + weight)
      }
    }
  }
  const compared = sequences(symbols, draftLength + 1).map((sequence) => {
    const [is, wanted] = [produced.get(sequence.join()) ?? 0, probabilityOf(q, start, sequence)]
    return { error: Math.abs(is - wanted), sequence, produced: is, wanted }
  })
  return { ...compared.reduce((a, b) => (b.error > a.error ? b : a)), expectedTokens }
}

/** Uniforms are told apart up to this. */
const resolution = 2 ** -50
const grid = [0, 0.25, 0.5, 0.75, 1 - resolution]

/**
 * The measure of every verdict over uniforms in [0, 1)^(γ+1): a verdict changes with a coordinate in steps, which bisection
 * finds, and the volumes between them add up.
 */
export function verdictMeasure(verify: (uniforms: number[]) => Verdict, dimensions: number): [Verdict, number][] {
  const measure = new Map<string, [Verdict, number]>()
  const visit = (prefix: number[], volume: number) => {
    if (prefix.length === dimensions) {
      const verdict = verify(prefix)
      const key = `${verdict.accepted},${verdict.next}`
      measure.set(key, [verdict, (measure.get(key)?.[1] ?? 0) + volume])
      return
    }
    const rest = dimensions - prefix.length - 1
    // What depends on this coordinate shows at the corners and the middle of the others.
    const probes = rest === 0 ? [[]] : sequences(3, rest).map((corner) => corner.map((c) => [0, 0.5, 1 - 2 ** -40][c]!))
    const signature = (u: number) => probes.map((p) => JSON.stringify(verify([...prefix, u, ...p]))).join()
    const steps = (low: number, high: number): number[] => {
      const first = signature(low)
      if (first === signature(high)) return []
      let [a, b] = [low, high]
      while (b - a > resolution) {
        const middle = (a + b) / 2
        if (signature(middle) === first) a = middle
        else b = middle
      }
      return [b, ...steps(b, high)]
    }
    const edges = [0, ...grid.slice(1).flatMap((high, i) => steps(grid[i]!, high)), 1]
    for (let i = 0; i + 1 < edges.length; i++)
      visit([...prefix, (edges[i]! + edges[i + 1]!) / 2], volume * (edges[i + 1]! - edges[i]!))
  }
  visit([], 1)
  return [...measure.values()]
}
