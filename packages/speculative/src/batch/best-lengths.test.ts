import { describe, expect, it } from 'vitest'
import { bestLengths, type Gains } from './best-lengths'

const longest = 5

/** Of a draft whose tokens are each accepted with this probability. */
const gainsOf = (a: number): Gains => ({
  tokens: Array.from({ length: longest }, (_, i) => a ** (i + 1)),
  seconds: Array.from({ length: longest }, () => 0.05),
})

/** The most tokens a second of all combinations of lengths. */
function mostOf(rates: readonly number[], secondsOf: (lengths: readonly number[]) => number): number {
  let most = 0
  const lengths = rates.map(() => 0)
  for (let code = 0; code < (longest + 1) ** rates.length; code++) {
    for (let i = 0, rest = code; i < rates.length; i++, rest = Math.floor(rest / (longest + 1)))
      lengths[i] = rest % (longest + 1)
    const tokens = rates.reduce((sum, a, i) => sum + (1 - a ** (lengths[i]! + 1)) / (1 - a), 0)
    most = Math.max(most, tokens / secondsOf(lengths))
  }
  return most
}

describe('the lengths of drafts that are best for all', () => {
  it.each([0, 0.1, 0.3, 1])(
    'are those of all combinations, or nearly, where one more number of rows costs %s',
    (perKind) => {
      for (const rates of [
        [0.5, 0.7, 0.9],
        [0.6, 0.6, 0.65, 0.95],
        [0.1, 0.8, 0.85, 0.9],
      ]) {
        const rowSeconds = 0.2
        const { lengths, rate } = bestLengths({
          ways: rates.map((a) => [gainsOf(a)]),
          least: { rows: rates.length, drafting: 0, kinds: 1, draftSeconds: 0, tokens: rates.length },
          secondsOf: ({ rows, kinds, draftSeconds }) => 1 + rowSeconds * rows + perKind * (kinds - 1) + draftSeconds,
        })
        const most = mostOf(rates, (each) => {
          const drafted = each.reduce((sum, length) => sum + length, 0)
          return 1 + rowSeconds * (rates.length + drafted) + perKind * (new Set(each).size - 1) + 0.05 * drafted
        })
        expect(rate).toBeGreaterThan(0.97 * most)
        expect(rate).toBeLessThan(most * (1 + 1e-9))
        if (perKind === 1) expect(new Set(lengths.map((length) => length?.draftLength ?? 0)).size).toBe(1)
      }
    },
  )
})
