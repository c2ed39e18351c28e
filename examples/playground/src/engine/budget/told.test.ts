import { type AlignEvent, type Plan, stages } from '@outrider/align'
import { describe, expect, it } from 'vitest'
import { type BudgetState, noBudgetRun } from './state'
import { following, foundState } from './told'

const costs = {
  draftSeconds: 0.05,
  targetSeconds: [
    { rows: 1, seconds: 1 },
    { rows: 16, seconds: 1.5 },
  ],
}
const shape = { layers: 2, hiddenSize: 32, heads: 1, intermediateSize: 96, vocabulary: null }

/** A plan, as far as the page shows it; a draft pays from this acceptance rate on. */
const planOf = (breakEvenAcceptance: number | null = 0.2): Plan => {
  const ceilings = [{ draftLength: 3, breakEvenTokens: 1.3, breakEvenAcceptance, speedUp: [] }]
  return {
    target: { name: 'x', identity: {}, fingerprint: '' },
    asked: { budgetSeconds: 60, seed: 0, losses: ['kld', 'tvd'], seeds: null, text: false },
    look: { candidates: [{ shape, parameters: 1000, costs, ceilings }] },
    kind: 'chat',
    draft: shape,
    draftLength: 3,
    generate: { given: 2, temperatures: [0.7, 0], written: 4 },
    pretrain: { steps: 2 },
    distill: {
      phases: [
        { loss: 'kld', steps: 4 },
        { loss: 'tvd', steps: 2 },
      ],
    },
    evaluate: { prompts: 2, maxTokens: 8, temperatures: [0] },
    seconds: { look: 1, generate: 2, pretrain: 3, distill: 4, evaluate: 5 },
  } as unknown as Plan
}

const after = (...events: AlignEvent[]): BudgetState => {
  const told = following()
  return events.reduce((state, event) => told(state, event), noBudgetRun('draft-for-x'))
}
const begins = (stage: (typeof stages)[number]): AlignEvent => ({ kind: 'stage', stage, text: stage, seconds: 7 })
const progress = (label: string, done: number, note?: string): AlignEvent => ({
  kind: 'progress',
  label,
  done,
  total: 8,
  unit: 'answers',
  ...(note && { note }),
})

describe('what a run tells of itself', () => {
  it('is a plan, with what each stage is for, how long it takes, and whether a draft can pay', () => {
    const { stages: shown, planned, canPay } = after({ kind: 'plan', plan: planOf(), known: false })
    expect(shown.generate).toMatchObject({ text: expect.stringMatching(/answers 8 instructions/), seconds: 2 })
    expect(stages.filter((stage) => shown[stage].isDone)).toEqual(['look'])
    expect(planned).toEqual({ draft: '2 layers of 32, of all ids', time: 'about 15 s' })
    expect(canPay).toBe(true)
    expect(after({ kind: 'plan', plan: planOf(null), known: true }).canPay).toBe(false)
  })

  it('is how far the work at hand is; the next stage ends the one before', () => {
    const { stage, stages: shown } = after(
      begins('generate'),
      progress('held out', 8),
      progress('instructions', 3, '40 tokens'),
    )
    expect(stage).toBe('generate')
    expect(shown.generate.work).toMatchObject({ label: 'instructions', note: '40 tokens' })
    // The first that is told of a work says how many there were: its rate is of what comes after.
    expect(shown.generate.work!.progress).toEqual({ done: 3, total: 8 })
    const later = after(begins('generate'), progress('instructions', 3), begins('pretrain')).stages
    expect(later.generate).toMatchObject({ isDone: true, work: undefined })
    expect(later.pretrain).toMatchObject({ isDone: false, text: 'pretrain', seconds: 7 })
  })

  it('is said once, and put in the place of what was logged of the same steps', () => {
    const log = (phase: number, ...steps: number[]): AlignEvent => ({
      kind: 'log',
      stage: 'distill',
      phase,
      entries: steps.map((step) => ({ step, loss: 1 / step })),
    })
    const warning: AlignEvent = { kind: 'warning', text: 'a row was cut' }
    const { logged, warnings } = after(warning, log(0, 1), log(0, 2), log(0, 3), warning, log(1, 1), log(0, 1, 2))
    expect(logged.distill.map((entries) => entries.map(({ step }) => step))).toEqual([[1, 2], [1]])
    expect(warnings).toEqual(['a row was cut'])
  })
})

describe('a run that is found', () => {
  it('shows what its finished stages took and logged, and what came out of those that are done', () => {
    const plan = planOf()
    const logged = [{ step: 1, loss: 2 }]
    const results = {
      generate: { found: { rows: 8, tokens: 80 }, seconds: 11 },
      pretrain: { found: { history: logged, positions: 9 }, seconds: 12 },
    }
    const { stages: shown, logged: shownLog, verdict, ways } = foundState(noBudgetRun(), { plan, results })
    expect(stages.filter((stage) => shown[stage].isDone)).toEqual(['look', 'generate', 'pretrain'])
    expect(shown.pretrain.seconds).toBe(12)
    expect(shownLog).toEqual({ pretrain: logged, distill: [] })
    expect([verdict, ways]).toEqual([undefined, []])
  })

  it('shows what was measured over all tasks, and by task where there were several', () => {
    const rows = [0, 0.7].flatMap((temperature) =>
      [3, 'auto' as const].flatMap((draftLength) =>
        ['code', 'maths', 'all'].flatMap((task) =>
          ['lookup', 'draft', 'lookup+table', 'lookup+table+draft'].map((draft) => ({
            ...{ draft, draftLength, task, temperature, prompts: task === 'all' ? 8 : 4 },
            ...{ blockEfficiency: 1.5, speedUp: task === 'code' ? 1.2 : 1.1 },
          })),
        ),
      ),
    )
    const results = { evaluate: { found: { rows }, seconds: 13 } } as unknown as Parameters<
      typeof foundState
    >[1]['results']
    const { ways, tasks, verdict } = foundState(noBudgetRun(), { plan: planOf(), results })
    expect(ways).toHaveLength(16)
    expect(tasks.map(({ task, temperature }) => `${task} ${temperature}`)).toEqual([
      'code 0',
      'maths 0',
      'code 0.7',
      'maths 0.7',
    ])
    expect(verdict).toContain('from 1.10 on maths to 1.20 on code')
  })
})
