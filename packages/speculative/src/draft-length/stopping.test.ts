import { describe, expect, it } from 'vitest'
import { type AutoDraftLengthOptions, autoDraftLength } from './auto'
import { draftStepsSeconds, type StepCosts, targetPassSeconds } from './step-costs'
import { stopThreshold } from './stopping'

const costs: StepCosts = {
  draftSeconds: 0.3,
  skippedSeconds: 0.02,
  targetSeconds: [
    { rows: 1, seconds: 1 },
    { rows: 16, seconds: 1.3 },
  ],
}
const offer = { source: 'model', kind: '', length: 15, unread: 1, stops: true }

function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

interface Draft {
  /** What the draft says of its tokens, and how often these are accepted. */
  sure: number
  unsure: number
  acceptance: (confidence: number) => number
  /** How much longer a block takes that may end early. */
  overhead: number
}

/** Blocks of a draft of whose tokens one in four is unsure. */
function simulate(
  { sure, unsure, acceptance, overhead }: Draft,
  { blocks, ...options }: { blocks: number } & Partial<AutoDraftLengthOptions>,
) {
  const random = generator(1)
  const policy = autoDraftLength({ costs, stops: true, ...options })
  return Array.from({ length: blocks }, () => {
    const { draftLength, stop } = policy.next([offer]) ?? { draftLength: 0 }
    const threshold = stop && 'confidence' in stop ? stop.confidence : 0
    let drafted = 0
    let accepted = 0
    for (let goesOn = drafted < draftLength, all = true; goesOn; goesOn = goesOn && drafted < draftLength) {
      const confidence = random() < 0.75 ? sure : unsure
      drafted++
      all &&= random() < acceptance(confidence)
      if (all) accepted++
      goesOn = confidence >= threshold
    }
    const steps = draftStepsSeconds(costs, { draftLength, drafted, skips: true })
    const seconds = (targetPassSeconds(costs, draftLength + 1) + steps) * (stop ? overhead : 1)
    policy.observe({ drafted, computed: draftLength, accepted, seconds, stop, ...(drafted > 0 && { offer }) })
    return { stop, draftLength, drafted, tokens: accepted + 1, seconds }
  })
}

const knowing: Draft = { sure: 0.98, unsure: 0.1, acceptance: (confidence) => confidence, overhead: 1 }
const share = (blocks: ReturnType<typeof simulate>) => blocks.filter(({ stop }) => stop).length / blocks.length

describe('where a draft is to stop', () => {
  it('is where the next token saves as much as it costs', () => {
    // A draft step takes 0.28 more than one that is left out; a token accepted saves 1 / 1.25 of a second, as 0.9 of them are.
    const found = stopThreshold(costs, { acceptance: 0.9, rate: 1.25 })
    expect(found).toBeCloseTo((0.28 * 1.25) / 0.9, 2)
    const cheap = { draftSeconds: 0.01, targetSeconds: [{ rows: 1, seconds: 1 }] }
    expect(stopThreshold(cheap, { acceptance: 0.9, rate: 2 })).toBeLessThan(0.03)
    expect(stopThreshold({ ...costs, draftSeconds: 9 }, { acceptance: 0.9, rate: 2 })).toBe(0.95)
  })
})

describe('an automatic draft length that may stop drafts', () => {
  it('stops those of a draft that knows where it is wrong, and gains by it', () => {
    const blocks = simulate(knowing, { blocks: 1500 }).slice(500)
    expect(share(blocks)).toBeGreaterThan(0.8)
    const rate = (some: typeof blocks) =>
      some.reduce((sum, { tokens }) => sum + tokens, 0) / some.reduce((sum, { seconds }) => sum + seconds, 0)
    const without = simulate(knowing, { blocks: 1500, stops: false }).slice(500)
    expect(rate(blocks)).toBeGreaterThan(1.04 * rate(without))
    // What may end early may be longer.
    const mean = (some: typeof blocks) => some.reduce((sum, { draftLength }) => sum + draftLength, 0) / some.length
    expect(mean(blocks)).toBeGreaterThan(mean(without) + 1)
  })

  it('with a number for γ chooses where drafts of it end, and drafts always', () => {
    const blocks = simulate(knowing, { blocks: 600, draftLength: 5 })
    expect(new Set(blocks.map(({ draftLength }) => draftLength))).toEqual(new Set([5]))
    expect(share(blocks.slice(200))).toBeGreaterThan(0.8)
    const dear = simulate(knowing, { blocks: 50, draftLength: 5, costs: { ...costs, draftSeconds: 9 } })
    expect(new Set(dear.map(({ draftLength }) => draftLength))).toEqual(new Set([5]))
    const short = autoDraftLength({ costs, stops: true, draftLength: 5 }).next([{ ...offer, length: 3 }])
    expect(short?.draftLength).toBe(3)
  })

  it('tries none where a step that is left out costs as much as one that is run, or nobody knows', () => {
    for (const skippedSeconds of [0.3, 0.9, undefined])
      expect(share(simulate(knowing, { blocks: 300, costs: { ...costs, skippedSeconds }, probeInterval: 1 }))).toBe(0)
  })

  it('leaves it where it says nothing about what is accepted', () => {
    expect(share(simulate({ ...knowing, acceptance: () => 0.95 }, { blocks: 1500 }).slice(500))).toBeLessThan(0.2)
  })

  it('leaves it where blocks that may end early take longer than they save', () => {
    expect(share(simulate({ ...knowing, overhead: 2 }, { blocks: 1500 }).slice(500))).toBeLessThan(0.2)
  })

  it('asks none to stop that cannot, and repeats itself', () => {
    const policy = autoDraftLength({ costs, stops: true, probeInterval: 1 })
    for (let block = 0; block < 20; block++) {
      const choice = policy.next([{ ...offer, stops: undefined }])
      expect(choice?.stop).toBeUndefined()
      policy.observe({ drafted: choice?.draftLength ?? 0, accepted: 0, seconds: 1, offer })
    }
    expect(simulate(knowing, { blocks: 200 })).toEqual(simulate(knowing, { blocks: 200 }))
  })
})
