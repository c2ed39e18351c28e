import { describe, expect, it } from 'vitest'
import { randomChain } from '../testing/chains'
import { law } from '../testing/law'
import { blockVerification } from './block'
import { tokenVerification } from './token'

const verifyTokens = tokenVerification.reference
const verifyBlock = blockVerification.reference

function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
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
      p: [[0.5, 0.5, 0]],
      q: [
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
