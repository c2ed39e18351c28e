import { describe, expect, it } from 'vitest'
import { verifyBlock } from './block'
import type { Verdict, VerificationInput } from './rule'
import { verifyTokens } from './token'

/** A first-order chain over `symbols`: row s is the distribution after symbol s. */
type Chain = number[][]

function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

function randomChain(random: () => number, symbols: number, zeros = 0): Chain {
  return Array.from({ length: symbols }, () => {
    const row = Array.from({ length: symbols }, (): number => (random() < zeros ? 0 : random() ** 2))
    if (!row.some((value) => value > 0)) row[0] = 1
    const sum = row.reduce((a, b) => a + b, 0)
    return row.map((value) => value / sum)
  })
}

function sequences(symbols: number, length: number): number[][] {
  if (length === 0) return [[]]
  return sequences(symbols, length - 1).flatMap((head) => Array.from({ length: symbols }, (_, x) => [...head, x]))
}

const probabilityOf = (chain: Chain, start: number, sequence: readonly number[]) =>
  sequence.reduce((product, x, i) => product * chain[i === 0 ? start : sequence[i - 1]!]![x]!, 1)

/**
 * The measure of every verdict of `verify` over uniforms in [0, 1)^(γ+1), exactly: a verdict is monotone in each
 * coordinate's step function, so bisection finds the steps and the volumes between them add up.
 */
function verdictMeasure(verify: (uniforms: number[]) => Verdict, dimensions: number): Map<string, number> {
  const measure = new Map<string, number>()
  const visit = (prefix: number[], volume: number) => {
    if (prefix.length === dimensions) {
      const { accepted, next } = verify(prefix)
      const key = `${accepted},${next}`
      measure.set(key, (measure.get(key) ?? 0) + volume)
      return
    }
    const rest = dimensions - prefix.length - 1
    // What depends on this coordinate shows at the corners and the middle of the others.
    const probes = rest === 0 ? [[]] : sequences(3, rest).map((corner) => corner.map((c) => [0, 0.5, 1 - 2 ** -40][c]!))
    const signature = (u: number) => probes.map((p) => JSON.stringify(verify([...prefix, u, ...p]))).join()
    const steps = (low: number, high: number): number[] => {
      if (signature(low) === signature(high)) return []
      let [a, b] = [low, high]
      const first = signature(a)
      while (b - a > 2 ** -50) {
        const middle = (a + b) / 2
        if (signature(middle) === first) a = middle
        else b = middle
      }
      return [b, ...steps(b, high)]
    }
    const edges = [0, ...steps(0, 1 - 2 ** -50), 1]
    for (let i = 0; i + 1 < edges.length; i++)
      visit([...prefix, (edges[i]! + edges[i + 1]!) / 2], volume * (edges[i + 1]! - edges[i]!))
  }
  visit([], 1)
  return measure
}

/** Enumerates drafts and verdicts; gives the law of the sequence (extended by q to γ + 1) and the expected tokens. */
function law(verify: (input: VerificationInput) => Verdict, p: Chain, q: Chain, draftLength: number) {
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
    const verdicts = verdictMeasure((uniforms) => verify({ draft, target, tokens, uniforms }), draftLength + 1)
    for (const [key, measure] of verdicts) {
      const [accepted, next] = key.split(',').map(Number) as [number, number]
      const head = [...tokens.slice(0, accepted), next]
      expectedTokens += drafted * measure * head.length
      for (const tail of sequences(symbols, draftLength + 1 - head.length)) {
        const name = [...head, ...tail].join()
        const weight = drafted * measure * probabilityOf(q, head.at(-1)!, tail)
        produced.set(name, (produced.get(name) ?? 0) + weight)
      }
    }
  }
  const error = Math.max(
    ...sequences(symbols, draftLength + 1).map((sequence) =>
      Math.abs((produced.get(sequence.join()) ?? 0) - probabilityOf(q, start, sequence)),
    ),
  )
  return { error, expectedTokens }
}

describe('verification by enumeration of every draft and every outcome', () => {
  for (const draftLength of [1, 2, 3]) {
    for (const seed of [1, 2, 3]) {
      it(`produces the target's sequences, γ = ${draftLength}, chains ${seed}`, () => {
        const random = generator(seed * 17 + draftLength)
        const p = randomChain(random, 3)
        const q = randomChain(random, 3)
        const token = law(verifyTokens, p, q, draftLength)
        const block = law(verifyBlock, p, q, draftLength)
        expect(token.error).toBeLessThan(1e-12)
        expect(block.error).toBeLessThan(1e-12)
        expect(block.expectedTokens).toBeGreaterThanOrEqual(token.expectedTokens - 1e-12)
      })
    }
  }

  it('stays exact where draft or target gives some symbols no probability', () => {
    const random = generator(99)
    for (let trial = 0; trial < 4; trial++) {
      const p = randomChain(random, 3, 0.4)
      const q = randomChain(random, 3, 0.4)
      expect(law(verifyTokens, p, q, 2).error).toBeLessThan(1e-12)
      expect(law(verifyBlock, p, q, 2).error).toBeLessThan(1e-12)
    }
  })

  it('accepts everything when the draft is the target', () => {
    const p = randomChain(generator(5), 3)
    expect(law(verifyTokens, p, p, 3).expectedTokens).toBeCloseTo(4, 12)
    expect(law(verifyBlock, p, p, 3).expectedTokens).toBeCloseTo(4, 12)
  })

  it('gains from the block over token by token', () => {
    const random = generator(7)
    const p = randomChain(random, 3)
    const q = randomChain(random, 3)
    expect(law(verifyBlock, p, q, 3).expectedTokens).toBeGreaterThan(law(verifyTokens, p, q, 3).expectedTokens + 0.01)
  })

  it('never accepts or draws a token of which the target gives none', () => {
    const input = {
      draft: [[0.5, 0.5, 0]],
      target: [
        [0, 1, 0],
        [0, 0, 1],
      ],
      tokens: [0],
      uniforms: [0, 0],
    }
    expect(verifyTokens(input)).toEqual({ accepted: 0, next: 1 })
    expect(verifyBlock(input)).toEqual({ accepted: 0, next: 1 })
    const bonus = { ...input, tokens: [1], uniforms: [0.99, 1 - 2 ** -24] }
    expect(verifyTokens(bonus)).toEqual({ accepted: 1, next: 2 })
    expect(verifyBlock(bonus)).toEqual({ accepted: 1, next: 2 })
  })
})
