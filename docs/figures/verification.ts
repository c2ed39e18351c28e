import { lineChart } from '@outrider/evaluation'
import { rules, simulate } from './toy'

const draftLengths = [1, 2, 3, 4, 5, 6, 7, 8]
const blocks = 20_000

/** The mean number of tokens that a block gives. */
export function tokensPerBlock(rule: keyof typeof rules, draftLength: number): number {
  const kept = simulate(rules[rule], draftLength, blocks)
  return 1 + kept.reduce((sum, { accepted }) => sum + accepted, 0) / blocks
}

export const verificationRules = () =>
  lineChart(
    {
      title: 'The same drafts under both rules, α = 0.75',
      x: 'draft length γ',
      y: 'tokens a pass',
      series: (['token', 'block'] as const).map((rule) => ({
        name: `${rule} verification`,
        points: draftLengths.map((length) => [length, tokensPerBlock(rule, length)]),
      })),
    },
    'verification',
  )
