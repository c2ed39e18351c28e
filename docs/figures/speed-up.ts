import { lineChart } from '@outrider/evaluation'
import { expectedTokens } from '@outrider/speculative'

const rates = [0.6, 0.7, 0.8, 0.9]
const costRatio = 0.05
const draftLengths = Array.from({ length: 16 }, (_, i) => i)

/** τ / (1 + cγ) where a draft step costs a twentieth of a target's. */
export const speedUpByLength = () =>
  lineChart(
    {
      title: `Speed-up over plain decoding, c = ${costRatio}`,
      x: 'draft length γ',
      y: 'τ / (1 + cγ)',
      series: rates.map((rate) => ({
        name: `α = ${rate}`,
        points: draftLengths.map((length) => [length, expectedTokens(() => rate, length) / (1 + costRatio * length)]),
      })),
    },
    'speed-up',
    { yFrom: 0 },
  )
