import { describe, expect, it } from 'vitest'
import type { Offer } from '../drafter/drafter'
import { autoDraftLength } from './auto'
import { expectedTokens } from './expected-tokens'
import { blockSeconds, costRatio, draftPassSeconds, type StepCosts } from './step-costs'

const passes = (seconds: (rows: number) => number) => [1, 2, 4, 8, 16].map((rows) => ({ rows, seconds: seconds(rows) }))

/** A parallel draft whose pass costs two fifths of the target's, and a further row `row` of a pass of either. */
const costsWith = (row: number): StepCosts => ({
  draftSeconds: 0.4,
  draftPasses: passes((rows) => 0.4 * (1 + (rows - 1) * row)),
  targetSeconds: passes((rows) => 1 + (rows - 1) * row),
})
const offer: Offer = { source: 'model', kind: '', length: 15, unread: 1, parallel: true }

/** How often each position of such a draft is accepted: what is further off is less sure. */
const falling = (position: number) => 0.9 - 0.08 * position

describe('costs of a parallel draft', () => {
  const costs = costsWith(0.1)

  it('are those of one pass a block, over a row a token', () => {
    expect(blockSeconds(costs, 0)).toBe(1)
    expect(blockSeconds(costs, 4)).toBeCloseTo(0.4 * 1.3 + 1.4)
    expect(costRatio(costs, 4)).toBeCloseTo(0.4 * 1.3)
    expect(costRatio(costs)).toBeCloseTo(costRatio(costs, 8))
  })

  it('go by what rows cost the target where its passes are not measured', () => {
    const { draftPasses: _, ...declared } = costs
    expect(draftPassSeconds(declared, 4)).toBeCloseTo(0.4 * 1.3)
    expect(costRatio(declared)).toBeCloseTo(0.4)
  })
})

/** γ of each block where positions are accepted so often. */
function lengths(costs: StepCosts, offered: Offer, alpha: (position: number) => number, blocks = 400): number[] {
  let state = 1
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  const policy = autoDraftLength({ costs, learnsTimes: false })
  return Array.from({ length: blocks }, () => {
    const drafted = policy.next([offered])?.draftLength ?? 0
    let accepted = 0
    while (accepted < drafted && random() < alpha(accepted)) accepted++
    policy.observe({ drafted, accepted, offer: drafted > 0 ? offered : undefined, seconds: 1 })
    return drafted
  })
}

const settled = (...options: Parameters<typeof lengths>) => {
  const last = lengths(...options).slice(200)
  return last.reduce((sum, length) => sum + length, 0) / last.length
}

describe('an automatic draft length', () => {
  it.each([0.01, 0.05, 0.15])('verifies as many rows as are sure enough for what rows cost (%d of a pass)', (row) => {
    const costs = costsWith(row)
    const rate = (length: number) => expectedTokens(falling, length) / blockSeconds(costs, length)
    const all = Array.from({ length: 15 }, (_, i) => i + 1)
    const best = all.reduce((a, b) => (rate(b) > rate(a) ? b : a))
    const taken = settled(costs, offer, falling)
    expect(rate(Math.round(taken))).toBeGreaterThan(0.97 * rate(best))
  })

  it('takes fewer rows the dearer they are', () => {
    const taken = [0.01, 0.05, 0.15].map((row) => settled(costsWith(row), offer, falling))
    expect(taken[0]).toBeGreaterThan(taken[1]! + 1)
    expect(taken[1]).toBeGreaterThan(taken[2]! + 1)
  })

  it('drafts in one pass where as many steps would not pay', () => {
    const { draftPasses: _, ...steps } = costsWith(0.05)
    expect(settled(steps, offer, falling)).toBeGreaterThan(4)
    expect(settled(steps, { ...offer, parallel: false }, falling)).toBeLessThan(2.5)
  })

  it('counts what is unread as rows of the same pass', () => {
    const costs = costsWith(0.4)
    const sure = { ...offer, acceptance: new Array<number>(15).fill(0.85) }
    const first = (unread: number) => autoDraftLength({ costs }).next([{ ...sure, unread }])?.draftLength ?? 0
    expect(first(1)).toBeGreaterThan(0)
    expect(first(16)).toBe(0)
  })
})
