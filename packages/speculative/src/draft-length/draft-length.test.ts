import { describe, expect, it } from 'vitest'
import { autoDraftLength } from './auto'
import { breakEvenAcceptance, expectedTokens } from './expected-tokens'
import { type DraftLengthPolicy, fixedDraftLength } from './policy'
import { blockSeconds, costRatio, type StepCosts, targetPassSeconds } from './step-costs'

const cheap: StepCosts = {
  draftSeconds: 0.05,
  targetSeconds: [
    { rows: 1, seconds: 1 },
    { rows: 16, seconds: 1.3 },
  ],
}
const dear: StepCosts = { draftSeconds: 0.7, targetSeconds: cheap.targetSeconds }

function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** Runs a policy where each position is accepted with probability `alpha(block)`; gives the draft length of each block. */
function simulate(
  policy: DraftLengthPolicy,
  costs: StepCosts,
  alpha: (block: number) => number,
  blocks: number,
): number[] {
  const random = generator(1)
  return Array.from({ length: blocks }, (_, block) => {
    const offer = { source: 'model', kind: '', length: 15, unread: 1 }
    const drafted = policy.next([offer])?.draftLength ?? 0
    let accepted = 0
    while (accepted < drafted && random() < alpha(block)) accepted++
    policy.observe({ drafted, accepted, offer, seconds: blockSeconds(costs, drafted) })
    return drafted
  })
}

const bestFixed = (costs: StepCosts, alpha: number) =>
  Array.from({ length: 16 }, (_, length) => length).reduce((best, length) => {
    const rate = (draftLength: number) => expectedTokens(() => alpha, draftLength) / blockSeconds(costs, draftLength)
    return rate(length) > rate(best) ? length : best
  }, 0)

const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length

describe('costs', () => {
  it('interpolates target passes between measured rows and extends the last slope', () => {
    expect(targetPassSeconds(cheap, 1)).toBe(1)
    expect(targetPassSeconds(cheap, 6)).toBeCloseTo(1.1)
    expect(targetPassSeconds(cheap, 31)).toBeCloseTo(1.6)
    expect(blockSeconds(cheap, 5)).toBeCloseTo(1.35)
    expect(costRatio(cheap)).toBeCloseTo(0.05)
  })

  it('expects the tokens of the geometric series', () => {
    expect(expectedTokens(() => 0.8, 5)).toBeCloseTo((1 - 0.8 ** 6) / 0.2, 12)
  })

  it('breaks even where expected tokens cost as much as plain ones', () => {
    const alpha = breakEvenAcceptance(cheap, 5)!
    expect(expectedTokens(() => alpha, 5) / blockSeconds(cheap, 5)).toBeCloseTo(1, 9)
    expect(breakEvenAcceptance({ ...dear, draftSeconds: 2 }, 3)).toBeNull()
    expect(breakEvenAcceptance({ draftSeconds: 0, targetSeconds: [{ rows: 1, seconds: 1 }] }, 3)).toBe(0)
  })
})

describe('draft length', () => {
  it('stays where it was fixed, with the first that has something to say', () => {
    const policy = fixedDraftLength(5)
    policy.observe({ drafted: 5, accepted: 0, seconds: 100 })
    const [prompt, model] = [
      { source: 'prompt', kind: '3', length: 4 },
      { source: 'model', kind: '', length: 15, unread: 1 },
    ]
    expect(policy.next([prompt, model])).toEqual({ offer: prompt, draftLength: 4 })
    expect(policy.next([model])).toEqual({ offer: model, draftLength: 5 })
    expect(policy.next([])).toBeNull()
    expect(fixedDraftLength(0).next([model])).toBeNull()
  })

  it('settles near the length that is fastest at the measured acceptance', () => {
    for (const alpha of [0.5, 0.7, 0.85]) {
      const lengths = simulate(autoDraftLength({ costs: cheap }), cheap, () => alpha, 400).slice(100)
      const best = bestFixed(cheap, alpha)
      expect(Math.abs(mean(lengths) - best)).toBeLessThan(0.35 * best + 1)
    }
  })

  it('stops drafting when plain decoding is faster, and probes now and then', () => {
    const lengths = simulate(autoDraftLength({ costs: dear }), dear, () => 0.3, 2000).slice(100)
    const drafted = lengths.filter((length) => length > 0).length
    expect(drafted).toBeGreaterThan(4)
    expect(drafted).toBeLessThan(0.05 * lengths.length)
  })

  it('takes up drafting again when the text becomes easy', () => {
    const costs = { ...cheap, draftSeconds: 0.4 }
    const lengths = simulate(autoDraftLength({ costs }), costs, (block) => (block < 500 ? 0.1 : 0.95), 4000)
    expect(mean(lengths.slice(300, 500))).toBeLessThan(0.5)
    expect(mean(lengths.slice(3000))).toBeGreaterThan(1)
  })

  it('learns from observed times that drafting costs more than was measured', () => {
    const policy = autoDraftLength({ costs: { ...cheap, draftSeconds: 0.2 } })
    const lengths = simulate(policy, { ...cheap, draftSeconds: 1.2 }, () => 0.6, 300)
    expect(lengths[0]).toBeGreaterThan(0)
    expect(mean(lengths.slice(100))).toBeLessThan(0.5)
  })

  it('drafts shorter where more rows take longer than was measured, as in long contexts, and no shorter where all do', () => {
    const settled = (slow: (rows: number) => number) => {
      const policy = autoDraftLength({ costs: cheap })
      const offer = { source: 'prompt', kind: '4+', length: 15 }
      const lengths = Array.from({ length: 300 }, () => {
        const drafted = policy.next([offer])?.draftLength ?? 0
        const seconds = targetPassSeconds(cheap, drafted + 1) * slow(drafted + 1)
        policy.observe({ drafted, accepted: Math.min(drafted, 6), offer, seconds })
        return drafted
      })
      return mean(lengths.slice(200))
    }
    expect(settled(() => 2)).toBeGreaterThan(5)
    expect(settled((rows) => (rows > 4 ? 3 : 1))).toBeLessThan(4)
  })

  it('reads what a model has not read only where that pays, too: a prompt by and by, what others drafted at once', () => {
    const costs = { draftSeconds: 0.2, targetSeconds: [1, 16].map((rows) => ({ rows, seconds: rows })) }
    const chosen = (unread: number) =>
      autoDraftLength({ costs, memory: 32 }).next([{ source: 'model', kind: '', length: 1, unread, acceptance: [1] }])
    // Two tokens for 2.2 passes do not pay; those for 1.2, where rows cost nothing, do.
    expect(chosen(1)).toBeNull()
    const cheapRows = {
      draftSeconds: 0.1,
      targetSeconds: [1, 16].map((rows) => ({ rows, seconds: 1 + (rows - 1) * 0.5 })),
    }
    const taken = (unread: number) =>
      autoDraftLength({ costs: cheapRows, memory: 32 }).next([
        { source: 'model', kind: '', length: 1, unread, acceptance: [1] },
      ])?.draftLength
    expect(taken(1)).toBe(1)
    expect(taken(8)).toBe(1)
    expect(taken(12)).toBeUndefined()
    expect(taken(500)).toBe(taken(16))
    expect(taken(5000)).toBeUndefined()
  })

  it('repeats itself given the same observations', () => {
    const run = () => simulate(autoDraftLength({ costs: cheap }), cheap, () => 0.7, 100)
    expect(run()).toEqual(run())
  })
})
