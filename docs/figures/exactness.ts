import { barChart } from '@outrider/evaluation'
import { p, q, rules, simulate, symbols } from './toy'

export const blocks = 40_000

/** How often each symbol came first in blocks of four drafted tokens, under a rule. */
export function frequencies(rule: keyof typeof rules): number[] {
  const counts = symbols.map(() => 0)
  for (const { first } of simulate(rules[rule], 4, blocks)) counts[first]!++
  return counts.map((count) => count / blocks)
}

export const exactness = () =>
  barChart(
    {
      title: `The first token of ${blocks.toLocaleString('en')} speculative blocks`,
      x: 'token',
      y: 'share of the tokens',
      decimals: 3,
      groups: symbols,
      series: [
        { name: 'draft p', values: p },
        { name: 'target q', values: q },
        { name: 'token verification', values: frequencies('token') },
        { name: 'block verification', values: frequencies('block') },
      ],
    },
    'exactness',
  )
