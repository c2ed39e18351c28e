import { SpeculationMetrics } from '@outrider/speculative'
import { describe, expect, test } from 'vitest'
import { figures } from './figures'
import type { ChatAnswer } from './session'

const costs = {
  draftSeconds: 0.001,
  targetSeconds: [
    { rows: 1, seconds: 0.01 },
    { rows: 16, seconds: 0.02 },
  ],
}

function metrics(blocks: readonly [drafted: number, accepted: number][]): SpeculationMetrics {
  const metrics = new SpeculationMetrics({ parameterRatio: 0.1 })
  for (const [drafted, accepted] of blocks)
    metrics.record({ drafted, accepted, overlap: Array.from({ length: drafted }, () => 0.75), seconds: 0.02 })
  return metrics
}

const answer = (parts: Partial<ChatAnswer> = {}): ChatAnswer => ({
  text: 'text',
  tokens: 52,
  tokensPerSecond: 131.4,
  finishReason: 'stop',
  contextFull: false,
  speculation: undefined,
  ...parts,
})
const settings = { maxTokens: 52 }

describe('the figures of an answer', () => {
  test('with a draft: rates, τ, and α and accepted/drafted under their own names', () => {
    const speculation = metrics([
      [4, 4],
      [4, 1],
    ])
    expect(figures(answer({ speculation }), settings)).toEqual([
      '52 tokens · 131 tokens/s',
      'τ 3.50 · α 0.75 · accepted/drafted 5/8 = 0.63 · γ 4.0',
    ])
    speculation.costs = costs
    const [first, second] = figures(answer({ speculation }), settings)
    expect(first).toBe('52 tokens · 131 tokens/s (plain ≈ 100)')
    expect(second).toContain(`α 0.75 (break-even ${speculation.breakEvenAcceptanceRate!.toFixed(2)})`)
  })

  test('where drafting can never pay, and where it does not for now', () => {
    const dear = metrics([[4, 1]])
    dear.costs = { ...costs, draftSeconds: 0.1 }
    expect(figures(answer({ speculation: dear }), settings)[1]).toContain('(break-even out of reach)')
    const plain = metrics([[0, 0]])
    plain.costs = costs
    expect(figures(answer({ speculation: plain }), settings)[1]).toMatch(/^nothing drafted: .* pays from α 0\.\d\d$/)
    plain.costs = dear.costs
    expect(figures(answer({ speculation: plain }), settings)[1]).toMatch(/would not pay at any α$/)
  })

  test('without a draft', () => {
    expect(figures(answer({ tokensPerSecond: 8.32 }), settings)).toEqual(['52 tokens · 8.3 tokens/s · without a draft'])
    expect(figures(answer({ tokens: 1, tokensPerSecond: 0 }), settings)).toEqual(['1 token · without a draft'])
  })

  test('say why an answer ended before its end', () => {
    const first = (parts: Partial<ChatAnswer>) => figures(answer(parts), settings)[0]
    expect(first({ finishReason: 'length' })).toContain('cut off at --max-tokens 52')
    expect(first({ finishReason: 'length', contextFull: true })).toContain('cut off: the context is full')
    expect(first({ finishReason: 'stopped' })).toContain('stopped')
  })

  test('fit into 80 columns', () => {
    const speculation = metrics(Array.from({ length: 3000 }, () => [5, 3]))
    speculation.costs = costs
    const long = answer({ tokens: 12_345, tokensPerSecond: 1234, finishReason: 'length', speculation })
    for (const line of figures(long, { maxTokens: 12_345 })) expect(line.length).toBeLessThanOrEqual(80)
  })
})
