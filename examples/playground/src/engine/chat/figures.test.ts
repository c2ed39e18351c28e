import { SpeculationMetrics } from '@outrider/speculative'
import { expect, it } from 'vitest'
import { positionsOf } from '../../chat/positions'
import { figuresOf, Rates } from './figures'

it('counts the tokens that were delivered, and has no α where no block reached', () => {
  const [metrics, rates] = [new SpeculationMetrics({ parameterRatio: 0.1 }), new Rates()]
  for (const block of [
    { drafted: 3, accepted: 0, overlap: [0.4, 0, 0], seconds: 1 },
    { drafted: 3, accepted: 3, overlap: [0.8, 0.9, 0.9], delivered: 2, seconds: 1 }, // an end token in the second place
  ]) {
    metrics.record(block)
    rates.observe(block)
  }
  const figures = figuresOf(metrics, rates)
  expect(figures).toMatchObject({ blockEfficiency: 1.5, tokensPerSecond: 1.5, plainTokensPerSecond: null, pays: null })
  expect(figures).toMatchObject({ numAcceptedTokens: 2, numDraftTokens: 6 })
  const positions = positionsOf(figures)
  expect(positions.map(({ kept }) => kept)).toEqual([0.5, 0.5, 0])
  expect(positions[0]!.acceptanceRate).toBeCloseTo(0.6)
  expect(positions[2]!.acceptanceRate).toBeNull()
})
