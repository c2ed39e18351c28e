import { expect, it } from 'vitest'
import { figuresJson } from './figures'
import { SpeculationMetrics } from './metrics'

function recorded(): SpeculationMetrics {
  const metrics = new SpeculationMetrics({ parameterRatio: 0.1 })
  metrics.record({ drafted: 3, accepted: 2, overlap: [0.9, 0.8, 0.1], seconds: 2 })
  metrics.record({ drafted: 2, accepted: 2, overlap: [0.7, 0.6], seconds: 1 })
  metrics.record({ drafted: 0, accepted: 0, overlap: [], seconds: 1 })
  return metrics
}

it('counts as vLLM does', () => {
  expect(recorded().toJSON()).toMatchObject({
    num_drafts: 2,
    num_draft_tokens: 5,
    num_accepted_tokens: 4,
    num_accepted_tokens_per_pos: [2, 2, 0],
    mean_acceptance_length: 3,
    draft_acceptance_rate: 0.8,
  })
})

it('has its figures as plain data, and in JSON under the same names with underscores', () => {
  const { figures } = recorded()
  expect(Object.getPrototypeOf(figures)).toBe(Object.prototype)
  expect(structuredClone(figures)).toEqual(figures)
  const names = Object.entries(recorded().toJSON())
  expect(names.map(([, value]) => value)).toEqual(Object.values(figures))
  expect(names.map(([name]) => name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase()))).toEqual(
    Object.keys(figures),
  )
  expect(Object.keys(figuresJson({ acceptanceRatePerPos: [1], mbsu: 2, speedUp: null }))).toEqual([
    'acceptance_rate_per_pos',
    'mbsu',
    'speed_up',
  ])
})

it("reports the paper's measures", () => {
  const metrics = recorded()
  expect(metrics.blockEfficiency).toBeCloseTo(7 / 3)
  expect(metrics.acceptanceRate).toBeCloseTo(3.1 / 5)
  expect(metrics.acceptanceRatePerPos.map((alpha) => alpha.toFixed(2))).toEqual(['0.80', '0.70', '0.10'])
  expect(metrics.mbsu).toBeCloseTo(7 / 3 / (1 + (0.1 * 5) / 3))
  expect(metrics.tokensPerSecond).toBeCloseTo(7 / 4)
})

it('has α of the positions that were reached, and no place for those that none reached', () => {
  const metrics = new SpeculationMetrics({ parameterRatio: 0.1 })
  metrics.record({ drafted: 4, accepted: 1, overlap: [0.9, 0.5, 0, 1], seconds: 1 })
  metrics.record({ drafted: 4, accepted: 0, overlap: [0.7, 0, 0, 0], seconds: 1 })
  expect(metrics.numReachedTokensPerPos).toEqual([2, 1])
  expect(metrics.acceptanceRatePerPos.map((alpha) => alpha.toFixed(2))).toEqual(['0.80', '0.50'])
  expect(metrics.acceptanceRate).toBeCloseTo(2.1 / 3)
  expect(metrics.numAcceptedTokensPerPos).toEqual([1, 0, 0, 0])
})

it('counts of a block no token after the end of the answer', () => {
  const metrics = new SpeculationMetrics({ parameterRatio: 0.1 })
  metrics.record({ drafted: 3, accepted: 3, overlap: [0.9, 0.8, 0.1], delivered: 2, seconds: 2 })
  expect(metrics.toJSON()).toMatchObject({
    num_drafts: 1,
    num_draft_tokens: 3,
    num_accepted_tokens: 2,
    num_accepted_tokens_per_pos: [1, 1, 0],
    num_reached_tokens_per_pos: [1, 1],
    num_target_passes: 1,
    num_delivered_tokens: 2,
    mean_acceptance_length: 2,
    mean_draft_length: 3,
    block_efficiency: 2,
    tokens_per_second: 1,
  })
  expect(metrics.acceptanceRate).toBeCloseTo(0.85)
  expect(metrics.mbsu).toBeCloseTo(2 / 1.3)
})

it('says how many drafts ended early, and what was chosen of them', () => {
  const metrics = new SpeculationMetrics({ parameterRatio: 0.1 })
  const block = { accepted: 0, overlap: [0.5, 0.5, 0.5, 0.5], seconds: 1 }
  expect(metrics.toJSON()).toMatchObject({ ended_early_rate: 0, stop_chosen_rate: 0, mean_stop_threshold: null })
  metrics.record({ ...block, drafted: 4 })
  metrics.record({ ...block, drafted: 2, computed: 4, stop: { confidence: 0.4 } })
  metrics.record({ ...block, drafted: 4, computed: 4, stop: { confidence: 0.5 } })
  metrics.record({ ...block, drafted: 3, computed: 4 })
  // No more was there.
  metrics.record({ ...block, drafted: 2, computed: 2, offer: { source: 'prompt', kind: '', length: 2 } })
  const figures = { ended_early_rate: 0.4, stop_chosen_rate: 0.4, mean_stop_threshold: 0.45 }
  expect(metrics.toJSON()).toMatchObject(figures)
  expect(metrics.withCosts(undefined).toJSON()).toMatchObject(figures)
})

it('counts as time what was computed, whether it was proposed or not', () => {
  const costs = {
    draftSeconds: 0.1,
    skippedSeconds: 0.025,
    targetSeconds: [1, 5].map((rows) => ({ rows, seconds: 1 + (rows - 1) / 4 })),
  }
  const ended = (skips: boolean) => {
    const metrics = new SpeculationMetrics({ parameterRatio: 0.2, costs })
    metrics.record({ drafted: 1, computed: 4, skips, accepted: 1, overlap: [1, 0, 0, 0], seconds: 1 })
    return metrics
  }
  expect(ended(true)).toMatchObject({
    meanDraftLength: 1,
    stopSavingRate: 0.75,
    mbsu: 2 / 1.2,
    expectedSpeedUp: 2 / 1.1,
  })
  expect(ended(false)).toMatchObject({ meanDraftLength: 1, mbsu: 2 / 1.8, expectedSpeedUp: 2 / 1.4 })
  // A pass over five rows takes two plain ones, and a step of a model was run, or four.
  expect(ended(true).neededAcceptanceLength).toBeCloseTo(2.1)
  expect(ended(false).neededAcceptanceLength).toBeCloseTo(2.4)
  expect(recorded().stopSavingRate).toBeNull()
})

it('says whether speculation pays once the costs are measured', () => {
  expect(recorded().breakEvenAcceptanceRate).toBeNull()
  const metrics = recorded().withCosts({ draftSeconds: 0.25, targetSeconds: [{ rows: 1, seconds: 1 }] })
  expect(metrics.costRatio).toBe(0.25)
  expect(metrics.plainTokensPerSecond).toBe(1)
  // Blocks of 2.5 tokens, rounded: (1 − α⁴)/(1 − α) = 1 + 3 · 0.25
  const alpha = metrics.breakEvenAcceptanceRate!
  expect(1 + alpha + alpha ** 2 + alpha ** 3).toBeCloseTo(1.75)
})

it('gives its counts under other costs, and counts on by itself', () => {
  const costs = { draftSeconds: 0.25, targetSeconds: [{ rows: 1, seconds: 1 }] }
  const metrics = recorded()
  const priced = metrics.withCosts(costs)
  metrics.record({ drafted: 1, accepted: 1, overlap: [1], seconds: 1 })
  expect(metrics).toMatchObject({ costs: undefined, costRatio: null, numDrafts: 3 })
  expect(priced).toMatchObject({ costs, costRatio: 0.25, numDrafts: 2 })
  expect(priced.withCosts(undefined).toJSON()).toEqual(recorded().toJSON())
})

it('says that it pays by tokens a block against those that its time is worth, and nothing before 16 blocks', () => {
  const verdict = (drafts: number, { accepted, measured = true }: { accepted: number; measured?: boolean }) => {
    // A block of 4 takes 4 · 0.1 + 1.6 = 2 plain passes.
    const targetSeconds = [1, 5].map((rows) => ({ rows, seconds: 1 + (rows - 1) * 0.15 }))
    const costs = measured ? { draftSeconds: 0.1, targetSeconds } : undefined
    const metrics = new SpeculationMetrics({ parameterRatio: 0.1, costs })
    for (let i = 0; i < drafts; i++) metrics.record({ drafted: 4, accepted, overlap: [0.9, 0.9, 0.9, 0.9], seconds: 9 })
    // Plain passes do not make a draft better or worse.
    for (let i = 0; i < 50; i++) metrics.record({ drafted: 0, accepted: 0, overlap: [], seconds: 1 })
    return [metrics.neededAcceptanceLength?.toFixed(6), metrics.pays]
  }
  expect(verdict(16, { accepted: 2 })).toEqual(['2.000000', true])
  expect(verdict(16, { accepted: 0 })).toEqual(['2.000000', false])
  expect(verdict(15, { accepted: 2 })).toEqual(['2.000000', null])
  expect(verdict(16, { accepted: 2, measured: false })).toEqual([undefined, null])
})

it('counts by who drafted, and lookups as no step of a model', () => {
  const model = { source: 'model', kind: '', length: 15, unread: 1 }
  const prompt = { source: 'prompt', kind: '3', length: 15 }
  const costs = { draftSeconds: 0.5, targetSeconds: [{ rows: 1, seconds: 1 }] }
  const metrics = new SpeculationMetrics({ parameterRatio: 0.5, costs })
  metrics.record({ drafted: 4, accepted: 1, offer: prompt, overlap: [0.8, 0.4, 1, 1], seconds: 1 })
  metrics.record({ drafted: 2, accepted: 2, offer: model, overlap: [0.9, 0.7], seconds: 1 })
  metrics.record({ drafted: 2, accepted: 0, offer: prompt, overlap: [0, 0], seconds: 1 })
  metrics.record({ drafted: 0, accepted: 0, overlap: [], seconds: 1 })
  const { drafters } = metrics.toJSON()
  expect(drafters).toEqual([
    {
      drafter: 'prompt',
      num_drafts: 2,
      num_draft_tokens: 6,
      num_accepted_tokens: 1,
      mean_acceptance_length: 1.5,
      draft_acceptance_rate: 1 / 6,
      acceptance_rate: expect.closeTo(0.4, 9),
    },
    {
      drafter: 'model',
      num_drafts: 1,
      num_draft_tokens: 2,
      num_accepted_tokens: 2,
      mean_acceptance_length: 3,
      draft_acceptance_rate: 1,
      acceptance_rate: expect.closeTo(0.8, 9),
    },
  ])
  // 7 tokens of 4 passes, in which the model took 2 steps.
  expect(metrics.mbsu).toBeCloseTo(7 / 4 / (1 + (0.5 * 2) / 4))
  // Blocks of 8 / 3 drafted tokens, of which a quarter took half a pass each.
  expect(metrics.neededAcceptanceLength).toBeCloseTo(1 + ((8 / 3) * 0.5) / 4)
  const twice = new SpeculationMetrics({ parameterRatio: 0.5 })
  for (let i = 0; i < 2; i++) twice.add(metrics)
  expect(twice.drafters.map(({ numDrafts }) => numDrafts)).toEqual([4, 2])
  expect(twice.mbsu).toBeCloseTo(metrics.mbsu)
})

it('reports zeros before the first block', () => {
  expect(new SpeculationMetrics({ parameterRatio: 0.1 }).toJSON()).toMatchObject({ block_efficiency: 0, mbsu: 0 })
})

it('adds up over categories of prompts', () => {
  const whole = new SpeculationMetrics({ parameterRatio: 0.1 })
  whole.add(recorded())
  expect(whole.toJSON()).toEqual(recorded().toJSON())
  whole.record({ drafted: 4, accepted: 4, overlap: [1, 1, 1, 1], seconds: 2 })
  whole.add(recorded())
  expect(whole.numAcceptedTokensPerPos).toEqual([5, 5, 1, 1])
  expect(whole.blockEfficiency).toBeCloseTo((7 + 7 + 5) / 7)
})

it('counts one pass of the model a block, where it drafts in parallel', () => {
  const costs = {
    draftSeconds: 0.2,
    draftPasses: [1, 9].map((rows) => ({ rows, seconds: 0.2 + (rows - 1) * 0.05 })),
    targetSeconds: [1, 11].map((rows) => ({ rows, seconds: 1 + (rows - 1) * 0.1 })),
  }
  const metrics = new SpeculationMetrics({ parameterRatio: 0.3, costs })
  const offer = { source: 'model', kind: '', length: 15, unread: 1, parallel: true }
  const block = { drafted: 5, accepted: 3, offer, overlap: [1, 1, 1, 0, 0], seconds: 1 }
  metrics.record(block)
  metrics.record(block)
  expect(metrics.mbsu).toBeCloseTo(4 / 1.3)
  expect(metrics.costRatio).toBeCloseTo(0.4) // over five rows
  expect(metrics.expectedSpeedUp).toBeCloseTo(4 / 1.4)
  expect(metrics.neededAcceptanceLength).toBeCloseTo(0.4 + 1.5)
  // What is looked up in between takes no pass.
  for (const _ of [1, 2])
    metrics.record({
      ...block,
      offer: { source: 'prompt', kind: '3', length: 5 },
      accepted: 5,
      overlap: [1, 1, 1, 1, 1],
    })
  expect(metrics.neededAcceptanceLength).toBeCloseTo(0.2 + 1.5)
  expect(metrics.expectedSpeedUp).toBeCloseTo(5 / 1.2)
})
