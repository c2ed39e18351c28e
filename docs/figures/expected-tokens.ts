import { lineChart } from '@outrider/evaluation'
import { expectedTokens } from '@outrider/speculative'

const draftLengths = [1, 3, 5, 8]
const rates = Array.from({ length: 51 }, (_, i) => i / 50)

/** Leviathan et al. 2023, equation 1. */
export const expectedTokensByAcceptance = () =>
  lineChart(
    {
      title: 'Tokens that one pass of the target is expected to give',
      x: 'acceptance rate α',
      y: 'tokens a pass, τ',
      series: draftLengths.map((draftLength) => ({
        name: `γ = ${draftLength}`,
        points: rates.map((rate) => [rate, expectedTokens(() => rate, draftLength)]),
      })),
    },
    'expected-tokens',
    { yFrom: 0 },
  )
