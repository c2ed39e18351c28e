import type { ModelConfig } from '@outrider/transformer'
import { describe, expect, it } from 'vitest'
import { ceilings } from '../look/ceiling'
import { candidateShapes } from '../look/draft-shape'
import { canPay, type Look } from '../look/look'
import { makePlan, type PlanOptions } from './make-plan'
import { stages } from './plan'

/** About SmolLM2-135M. */
const config: ModelConfig = {
  architecture: 'llama',
  vocabularySize: 49_152,
  hiddenSize: 576,
  intermediateSize: 1536,
  layers: 30,
  heads: 9,
  kvHeads: 3,
  headDim: 64,
  contextLength: 8192,
  ropeTheta: 1e5,
  rmsNormEpsilon: 1e-5,
  tieWordEmbeddings: true,
  eosTokenIds: [2],
  initializerRange: 0.02,
}

const costs = (draftSeconds: number) => ({
  draftSeconds,
  targetSeconds: [
    { rows: 1, seconds: 0.1 },
    { rows: 8, seconds: 0.15 },
  ],
})

const seen = (fields: Partial<Look> = {}): Look => ({
  adapter: 'none',
  targetBytes: 1e8,
  targetParameters: 134_515_008,
  candidates: candidateShapes(config).map((shape, i) => ({
    shape,
    parameters: 2e6 * (i + 1),
    costs: costs(0.001 * (i + 1)),
    ceilings: ceilings(costs(0.001 * (i + 1))),
  })),
  answerTokenSeconds: 0.05,
  targetPositionSeconds: 0.015,
  draftPositionSeconds: 0.0005,
  lookupSpeedUp: 1.3,
  seconds: 60,
  ...fields,
})

const plan = ({
  budget = 1800,
  text = false,
  look = seen(),
  ...options
}: Partial<PlanOptions> & { budget?: number; text?: boolean } = {}) =>
  makePlan({
    target: { name: 'm', identity: { config: {}, dtype: 'f16', weights: '0' }, fingerprint: 'f' },
    asked: { budgetSeconds: budget, seed: 0, losses: ['kld', 'tvd'], seeds: null, text },
    look,
    kind: 'chat',
    contextLength: 8192,
    given: 0,
    promptTokens: { mean: 30, most: 40 },
    ...options,
  })

const total = ({ seconds }: ReturnType<typeof plan>) => stages.reduce((sum, stage) => sum + seconds[stage], 0)

describe('a plan', () => {
  it('takes about the time that there is, whatever the rates', () => {
    for (const budget of [1800, 7200, 36_000])
      for (const answerTokenSeconds of [0.01, 0.1]) {
        const seconds = total(plan({ budget, look: seen({ answerTokenSeconds }) }))
        expect(seconds).toBeGreaterThan(0.8 * budget)
        expect(seconds).toBeLessThan(1.15 * budget)
      }
  })

  it('is of the cheapest draft, with the ids that are said most, unless there is time for a million tokens of answers', () => {
    expect(plan().draft).toEqual({ layers: 2, hiddenSize: 128, heads: 4, intermediateSize: 384, vocabulary: 8192 })
    const quick = seen({
      answerTokenSeconds: 1e-4,
      targetPositionSeconds: 1e-5,
      draftPositionSeconds: 1e-6,
      seconds: 5,
    })
    expect(plan({ look: quick }).draft).toMatchObject({ layers: 4, hiddenSize: 256 })
  })

  it('asks what the user asks at more temperatures the fewer there are, and fills up with instructions of ours', () => {
    const many = plan({ given: 100_000 })
    expect(many.generate).toMatchObject({ temperatures: [0.7], written: 0 })
    expect(many.generate.given).toBeLessThan(100_000)
    const some = plan({ given: 40 })
    expect(some.generate).toMatchObject({ temperatures: [0.7, 0, 1, 0.3], given: 32, givenHeldOut: 8 })
    expect(some.generate.written).toBeGreaterThan(0)
    expect(plan({ given: 1 }).generate).toMatchObject({ given: 1, givenHeldOut: 0 })
  })

  it('has a least size, however little time there is, and says what that takes', () => {
    const short = plan({ budget: 60 })
    expect(short.generate.written).toBeGreaterThanOrEqual(16)
    expect(short.distill.phases.every(({ steps }) => steps >= 4)).toBe(true)
    expect(total(short)).toBeGreaterThan(60)
  })

  it('lets the target write instructions where there is time for many, and begins few with openings of ours', () => {
    expect(plan({ budget: 3600 }).generate.writtenBy).toBe('target')
    expect(plan({ budget: 300 }).generate.writtenBy).toBe('openings')
    expect(plan({ given: 100_000 }).generate.writtenBy).toBe('openings')
  })

  it('has rows that hold the prompts: fewer of them where these are long, up to the context', () => {
    const long = plan({ given: 500, promptTokens: { mean: 600, most: 700 } })
    expect(long.distill.length).toBe(784)
    expect(long.generate.given).toBeLessThan(plan({ given: 500 }).generate.given)
    expect(plan({ promptTokens: { mean: 600, most: 700 }, contextLength: 512 }).distill.length).toBe(512)
  })

  it('learns text for a share of the time where text is given', () => {
    const { seconds, pretrain } = plan({ text: true })
    expect(seconds.pretrain / 1800).toBeGreaterThan(0.1)
    expect(seconds.pretrain / 1800).toBeLessThan(0.2)
    expect(pretrain.steps).toBeGreaterThan(plan().pretrain.steps)
  })

  it('drafts as far as gains most where half is accepted', () => {
    const withPasses = (seconds: (rows: number) => number) => {
      const passes = { ...costs(0.001), targetSeconds: [1, 2, 4, 8].map((rows) => ({ rows, seconds: seconds(rows) })) }
      const candidates = [{ ...seen().candidates[0]!, costs: passes, ceilings: ceilings(passes) }]
      return plan({ look: seen({ candidates }) }).draftLength
    }
    expect(withPasses(() => 0.1)).toBe(5) // rows cost nothing: memory-bound
    expect(plan().draftLength).toBe(3)
    expect(withPasses((rows) => 0.07 * rows)).toBe(1)
  })
})

it('a draft can pay unless every shape and length needs more than seven in ten tokens accepted', () => {
  const candidate = seen().candidates[0]!
  const of = (draftSeconds: number) => ({ ...candidate, ceilings: ceilings(costs(draftSeconds)) })
  expect(canPay({ candidates: [of(0.001)] })).toBe(true)
  expect(canPay({ candidates: [of(0.1)] })).toBe(false)
  expect(canPay({ candidates: [of(0.1), of(0.001)] })).toBe(true)
})
