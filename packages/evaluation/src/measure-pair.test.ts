import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { type CausalLM, createDraft, loadCausalLM, type PretrainedModel, pretrainedModel } from '@outrider/transformer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { evaluationReport } from './evaluation-report'
import type { MeasuredPrompt } from './measure-in-turns'
import { type LengthResult, measurePair, type PairMeasurement } from './measure-pair'
import { renderReport } from './report/render'
import { tokenByToken } from './token-by-token'

const prompts: MeasuredPrompt[] = [
  { category: 'stories', prompt: 'Once upon a time', shown: 'Once upon a time' },
  { category: 'questions', prompt: 'Who is', shown: 'Who is' },
  { category: 'stories', prompt: 'One day, Tim', shown: 'One day, Tim' },
]
const costs = { draftSeconds: 0.25, targetSeconds: [{ rows: 1, seconds: 1 }] }

let target: PretrainedModel
let random: PretrainedModel
/** The target as its own draft: all that it drafts is kept. */
let itself: PairMeasurement
const answered: string[] = []

beforeAll(async () => {
  target = await loadCausalLM(testData('stories260K'), { device: await testDevice() })
  random = createDraft(target, { layers: 1, hiddenSize: 16, seed: 1 })
  const onAnswer = ({ how }: { how: string }) => answered.push(how)
  const measure = { target, prompts, sampling: { temperature: 0 }, maxTokens: 9, costs, onAnswer }
  itself = await measurePair({ ...measure, draft: target, draftLengths: [3, 7] })
})

afterAll(() => {
  random.dispose()
  target.dispose()
})

describe('a pair that is measured', () => {
  it('answers each prompt plainly and with every draft length before the next', () => {
    expect(answered).toEqual(prompts.flatMap(() => ['plain', 'γ 3', 'γ 7']))
  })

  it('has figures of each category, in the order of the prompts, and of all', () => {
    expect(itself.results.map(({ draftLength }) => draftLength)).toEqual([3, 7])
    for (const { all, categories } of itself.results) {
      expect(Object.keys(categories)).toEqual(['stories', 'questions'])
      expect(Object.values(categories).map((figures) => figures.prompts)).toEqual([2, 1])
      expect(all.prompts).toBe(3)
      for (const name of ['tokens', 'numDeliveredTokens', 'numTargetPasses', 'numAcceptedTokens'] as const)
        expect(
          Object.values(categories).reduce((sum, figures) => sum + figures[name], 0),
          name,
        ).toBe(all[name])
    }
  })

  it('counts the tokens after the first of each answer, and gains what a draft that is always right does', () => {
    const [three, seven] = itself.results.map(({ all }) => all)
    expect(three).toMatchObject({ tokens: 24, numDeliveredTokens: 24, blockEfficiency: 4, acceptanceRate: 1 })
    expect(seven).toMatchObject({ tokens: 24, blockEfficiency: 8, draftAcceptanceRate: 1, parameterRatio: 1 })
  })

  it('has the speed-up that was measured, and what share it is of the one that costs promise', () => {
    for (const { all } of itself.results) {
      expect(all.speedUp).toBe(all.tokensPerSecond / all.plainTokensPerSecond)
      expect(all.expectedSpeedUp).toBe(all.blockEfficiency / (1 + 0.25 * all.meanDraftLength))
      expect(all.speedUpShare).toBe(all.speedUp! / all.expectedSpeedUp!)
    }
  })

  it('lets drafts stop by a number, or by costs, which let none stop where that saves nothing', async () => {
    const measure = { target, draft: random, prompts: prompts.slice(0, 1), sampling: { temperature: 0 }, maxTokens: 20 }
    const told = { ...costs, skippedSeconds: 0.3 }
    const all = async (draftStop: 'auto' | { confidence: number }) =>
      (await measurePair({ ...measure, draftLengths: [4], draftStop, costs: told })).results[0]!.all
    expect(await all('auto')).toMatchObject({ stopChosenRate: 0, endedEarlyRate: 0, stopSavingRate: 1 - 0.3 / 0.25 })
    const { endedEarlyRate, numDrafts, numDraftTokens, stopSavingRate } = await all({ confidence: 1 })
    expect(endedEarlyRate).toBeGreaterThan(0.8) // the last block has room for one token
    expect(numDraftTokens).toBe(numDrafts)
    expect(stopSavingRate).toBeCloseTo(-0.2)
  })

  it('measures what steps cost where that is not told, and takes blocks of 3 and 5', async () => {
    const measure = { target, prompts: prompts.slice(0, 1), sampling: { temperature: 0 }, maxTokens: 6 }
    const { costs, results } = await measurePair({ ...measure, draft: random })
    expect(costs.targetSeconds[0]!.seconds).toBeGreaterThan(0)
    expect(results.map(({ draftLength }) => draftLength)).toEqual([3, 5])
    for (const { all } of results) expect(all.costRatio).toBeGreaterThan(0)
  })

  it.each([0, 0.8])(
    'has the same counts to the bit where prompts are answered at once, at temperature %s',
    async (temperature) => {
      const texts = ['Once upon a time', 'Who is', 'One day, Tim', 'The', 'Lily and Ben']
      const prompts = texts.map((text, i) => ({ category: ['a', 'b'][Number(i === 1)]!, prompt: text, shown: text }))
      const measure = {
        target,
        prompts,
        sampling: { temperature, seed: 3 },
        maxTokens: 8,
        draft: random,
        draftLengths: [2],
      }
      const { memory } = target.model.device
      const before = memory.liveBytes
      const rates: number[] = []
      const onAnswer = ({ rate }: { rate: number }) => rates.push(rate)
      const [alone, together] = [
        await measurePair({ ...measure, costs }),
        await measurePair({ ...measure, costs, batchSize: 3, onAnswer }),
      ].map(({ results }) => results[0]!)
      expect(memory.liveBytes).toBe(before)
      const counts = ({ all, categories }: LengthResult) =>
        [all, ...Object.values(categories)].map((figures) => ({
          ...figures,
          ...{ tokensPerSecond: 0, plainTokensPerSecond: 0, speedUp: 0, speedUpShare: 0, expectedSpeedUp: 0 },
          ...{ breakEvenAcceptanceRate: 0, neededAcceptanceLength: 0, pays: false },
        }))
      expect(counts(together!)).toEqual(counts(alone!))
      expect(together!.all).toMatchObject({ expectedSpeedUp: null, speedUpShare: null, breakEvenAcceptanceRate: null })
      expect(together!.all.pays).toBe(together!.all.speedUp! > 1)
      expect(rates).toHaveLength(10)
      expect(together!.all.plainTokensPerSecond).toBeGreaterThan(0)
    },
  )

  it('is of any models, those that are nothing but a CausalLM, too, and its report tells what there is to tell', async () => {
    const ofOurs = ({ model }: PretrainedModel): CausalLM => ({
      device: model.device,
      config: { vocabularySize: model.config.vocabularySize, contextLength: 64 },
      parameterCount: model.parameterCount,
      createCache: (options) => model.createCache({ capacity: 64, ...options }),
      forward: (tokens, options) => model.forward(tokens, options),
      dispose: () => model.dispose(),
    })
    const [own, draft] = [target, random].map((pretrained) => pretrainedModel(ofOurs(pretrained), pretrained))
    const measure = { target: own!, draft: draft!, prompts, sampling: { temperature: 0 }, maxTokens: 6, costs }
    const measured = await measurePair({ ...measure, draftLengths: [3] })
    expect(measured.results[0]!.all).toMatchObject({ prompts: 3, tokens: 15 })
    const names = { target: 'mine', draft: 'small', prompts: 'three' }
    const { models } = evaluationReport({ ...measured, names, adapter: 'an adapter', seconds: 1 })
    expect(models.map(({ shape }) => shape)).toEqual(['vocabulary 512', 'vocabulary 512'])
    expect(models.map(({ parameters }) => parameters)).toEqual(
      [target, random].map(({ model }) => model.parameterCount),
    )
  })

  it('is decoded plainly though nobody listens to the answers', async () => {
    const measure = { target, prompts: prompts.slice(0, 1), sampling: { temperature: 0 }, maxTokens: 6, costs }
    const { results } = await measurePair({ ...measure, draft: target, draftLengths: [3] })
    expect(results[0]!.all.plainTokensPerSecond).toBeGreaterThan(0)
  })
})

it('makes a report of a measurement, with an answer token by token or without', async () => {
  const names = { target: 'stories', draft: 'itself', prompts: 'three.jsonl' }
  const data = evaluationReport({ ...itself, names, adapter: 'some GPU', seconds: 3 })
  expect(data.evaluation).toHaveLength(6)
  expect(renderReport(data)).not.toContain('token by token')
  const { prompt, shown } = prompts[0]!
  const ways = [{ title: 'γ = 3', draft: target, draftLength: 3 }]
  const completion = await tokenByToken(target, ways, { prompt, shown, maxTokens: 9, temperature: 0 })
  const page = renderReport({ ...data, completion })
  for (const text of ['itself', 'some GPU', '8.00', '3 of three.jsonl', 'τ 4.00: 2 target passes', 'token by token'])
    expect(page).toContain(text)
})

it('says how many prompts were answered at once, and nothing of what costs of single ones say', () => {
  const names = { target: 'stories', draft: 'itself', prompts: 'three.jsonl' }
  const results = itself.results.map((result) => ({ ...result, all: { ...result.all, pays: false, speedUp: 0.8 } }))
  const data = evaluationReport({ ...itself, results, batchSize: 4, names, adapter: 'some GPU', seconds: 3 })
  expect(data.notes![0]).toMatch(/^Up to 4 prompts of a category were answered at once.* it does not pay here\.$/)
  expect(data.settings).toMatchObject({ Evaluation: { 'prompts at once': 'up to 4 of a category' } })
  expect(JSON.stringify(data.headline)).not.toContain('pays')
})

it('says of a draft that proposes a block in one pass what that pass costs, of others what a step does', async () => {
  const names = { target: 'stories', draft: 'itself', prompts: 'three.jsonl' }
  const notes = (measured: typeof itself) => {
    const report = evaluationReport({ ...measured, names, adapter: 'some GPU', seconds: 3 })
    return report.notes!.join(' ')
  }
  expect(notes(itself)).toContain('A draft step costs')
  const passes = [{ rows: 1, seconds: 1 }]
  const block = notes({ ...itself, costs: { ...itself.costs, draftPasses: passes } })
  expect(block).toContain('A pass of the draft, which proposes a whole block, costs')
  expect(block).not.toContain('draft step')
})
