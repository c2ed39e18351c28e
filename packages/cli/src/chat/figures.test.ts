import { SpeculationMetrics, type StepCosts } from '@outrider/speculative'
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

function metrics(blocks: readonly [drafted: number, accepted: number][], costs?: StepCosts): SpeculationMetrics {
  const metrics = new SpeculationMetrics({ parameterRatio: 0.1, costs })
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
/** Of a conversation that has this one answer. */
const linesOf = (answer: ChatAnswer, settings = { maxTokens: 52 }) => figures(answer, settings, answer.speculation)

describe('the figures of an answer', () => {
  test('with a draft: rates, τ, and α and accepted/drafted under their own names', () => {
    const unmeasured = metrics([
      [4, 4],
      [4, 1],
    ])
    expect(linesOf(answer({ speculation: unmeasured }))).toEqual([
      '52 tokens · 131 tokens/s',
      'τ 3.50 · α 0.75 · accepted/drafted 5/8 = 0.63 · γ 4.0',
    ])
    const speculation = unmeasured.withCosts(costs)
    const [first, second, third] = linesOf(answer({ speculation }))
    expect(first).toBe('52 tokens · 131 tokens/s (plain ≈ 100)')
    expect(third).toBe('3.50 tokens a block, 1.67 needed: measuring')
    for (let block = 2; block < 16; block++)
      speculation.record({ drafted: 4, accepted: 1, overlap: [1, 0, 0, 0], seconds: 1 })
    expect(linesOf(answer({ speculation }))[2]).toBe('2.19 tokens a block, 1.67 needed: it pays')
    expect(second).toContain(`α 0.75 (break-even ${speculation.breakEvenAcceptanceRate!.toFixed(2)})`)
  })

  test('where drafting can never pay, and where it does not for now', () => {
    const dear = metrics([[4, 1]], { ...costs, draftSeconds: 0.1 })
    expect(linesOf(answer({ speculation: dear }))[1]).toContain('(break-even out of reach)')
    const plain = metrics([[0, 0]], costs)
    expect(linesOf(answer({ speculation: plain }))[1]).toMatch(/^nothing drafted: .* pays from α 0\.\d\d$/)
    expect(linesOf(answer({ speculation: plain.withCosts(dear.costs) }))[1]).toMatch(/would not pay at any α$/)
  })

  test('say whose drafts were accepted, where something was looked up', () => {
    const speculation = metrics([])
    for (const [source, accepted] of [
      ['prompt', 3],
      ['model', 1],
    ] as const)
      speculation.record({
        ...{ drafted: 4, accepted, overlap: [1, 1, 1, 1], seconds: 0.02 },
        offer: { source, kind: '', length: 4 },
      })
    expect(linesOf(answer({ speculation }))[2]).toBe('accepted: looked up 3/4 · by the draft 1/4')
  })

  test('without a draft', () => {
    expect(linesOf(answer({ tokensPerSecond: 8.32 }))).toEqual(['52 tokens · 8.3 tokens/s · without a draft'])
    expect(linesOf(answer({ tokens: 1, tokensPerSecond: 0 }))).toEqual(['1 token · without a draft'])
  })

  test('say why an answer ended before its end', () => {
    const first = (parts: Partial<ChatAnswer>) => linesOf(answer(parts))[0]
    expect(first({ finishReason: 'length' })).toContain('cut off at --max-tokens 52')
    expect(first({ finishReason: 'length', contextFull: true })).toContain('cut off: the context is full')
    expect(first({ finishReason: 'stopped' })).toContain('stopped')
  })

  test('fit into 80 columns', () => {
    const speculation = metrics(
      Array.from({ length: 3000 }, () => [5, 3]),
      costs,
    )
    const long = answer({ tokens: 12_345, tokensPerSecond: 1234, finishReason: 'length', speculation })
    for (const line of linesOf(long, { maxTokens: 12_345 })) expect(line.length).toBeLessThanOrEqual(80)
  })
})
