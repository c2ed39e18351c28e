import { describe, expect, it } from 'vitest'
import { simulatedAcceptanceLength, simulatedBlocks } from './acceptance'

describe('simulated acceptance length', () => {
  it('is the sum of products of acceptance rates, plus the token of the target', () => {
    expect(simulatedAcceptanceLength([0.5, 0.5, 0.5], [1, 1, 1], 3, 3)).toBeCloseTo(1 + 0.5 + 0.25 + 0.125)
  })
  it('leaves out blocks that touch masked positions or the next row', () => {
    const rates = [0.9, 0.8, 0.1, 0.7, 0.6, 0.2]
    expect(simulatedAcceptanceLength(rates, [1, 1, 0, 0, 1, 1], 3, 2)).toBeCloseTo(
      (1 + 0.9 + 0.72 + 1 + 0.6 + 0.12) / 2,
    )
  })

  it('is no number where no row has room for a block', () => {
    expect(simulatedBlocks([0.5, 0.5], [1, 0], 2, 2)).toEqual({ tokens: 0, blocks: 0 })
    expect(simulatedAcceptanceLength([0.5, 0.5], [1, 0], 2, 2)).toBeNaN()
  })
})
