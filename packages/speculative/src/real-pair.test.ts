import { readFileSync } from 'node:fs'
import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import {
  createDraft,
  Decoder,
  generate,
  loadCausalLM,
  type PretrainedModel,
  pretrainedModel,
  type SamplingOptions,
} from '@outrider/transformer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SpeculativeDecoder, type SpeculativeDecoderOptions } from './decoder'
import { type DraftLengthPolicy, fixedDraftLength } from './draft-length/policy'
import { answerLookup } from './drafter/answer-lookup'
import { AnswerTable } from './drafter/answer-table'
import type { DraftStop } from './drafter/draft-stop'
import type { Drafter } from './drafter/drafter'
import { firstOf } from './drafter/first-of'
import { modelDrafter } from './drafter/model-drafter'
import { asParallelDraft } from './drafter/parallel-draft.fixture'
import { promptLookup } from './drafter/prompt-lookup'
import { chiSquareScore, referenceDistribution } from './reference-distribution.fixture'
import type { Verification } from './verification/by-name'

interface Reference {
  cases: { prompt: string; ids: number[]; greedy: number[] }[]
}

const assets = testData('stories260K')

let target: PretrainedModel
let random: PretrainedModel
/** The target without its last layer: a draft that is often right. */
let shallow: PretrainedModel
/** The same over two ids of three. */
let trimmed: PretrainedModel
/** `shallow` and `trimmed` with a token for what is not drafted yet, whose row nobody has trained. */
let parallel: PretrainedModel
let parallelTrimmed: PretrainedModel
let reference: Reference

beforeAll(async () => {
  const device = await testDevice()
  target = await loadCausalLM(assets, { device })
  random = createDraft(target, { layers: 1, hiddenSize: 16, seed: 1 })
  const { model, config } = target
  const upper = { ...config, layers: config.layers - 1 }
  shallow = pretrainedModel(new Decoder(device, upper, model.parameters), target)
  const coveredIds = Array.from({ length: config.vocabularySize }, (_, id) => id).filter((id) => id % 3 !== 0)
  trimmed = pretrainedModel(new Decoder(device, { ...upper, coveredIds }, model.parameters), target)
  parallel = asParallelDraft(target, upper)
  parallelTrimmed = asParallelDraft(target, { ...upper, coveredIds })
  reference = JSON.parse(readFileSync(`${assets}/reference.json`, 'utf8'))
})

afterAll(() => {
  parallelTrimmed.dispose()
  parallel.dispose()
  random.dispose()
  target.dispose()
})

async function tokensOf(options: Omit<SpeculativeDecoderOptions, 'target'>, prompt: number[], maxTokens: number) {
  const decoder = new SpeculativeDecoder({ target, ...options })
  const tokens: number[] = []
  for await (const block of decoder.generate(prompt, { maxTokens })) tokens.push(...block.tokens)
  return { tokens, metrics: decoder.metrics }
}

describe('stories260K decoded greedily, with any draft, gives the tokens of the reference', () => {
  it('a random draft, token and block verification', async () => {
    for (const [i, { ids, greedy }] of reference.cases.entries()) {
      const verification = i % 2 === 0 ? 'token' : 'block'
      const { tokens } = await tokensOf({ drafter: random, draftLength: 3, verification }, ids, greedy.length)
      expect(tokens).toEqual(greedy)
    }
  })

  it.each([1, 4, 15])('the target without its last layer, γ = %i', async (draftLength) => {
    const { ids, greedy } = reference.cases[0]!
    const { tokens, metrics } = await tokensOf({ drafter: shallow, draftLength }, ids, greedy.length)
    expect(tokens).toEqual(greedy)
    expect(metrics.numAcceptedTokens).toBeGreaterThan(0)
  })

  it.each<[number, Verification, string, () => PretrainedModel]>([
    [1, 'token', 'all ids', () => parallel],
    [2, 'block', 'some ids', () => parallelTrimmed],
    [6, 'token', 'some ids', () => parallelTrimmed],
    [15, 'block', 'all ids', () => parallel],
  ])('a parallel draft, K = %i, %s verification, of %s', async (draftLength, verification, _, drafter) => {
    const { ids, greedy } = reference.cases[0]!
    const { tokens, metrics } = await tokensOf({ drafter: drafter(), draftLength, verification }, ids, greedy.length)
    expect(tokens).toEqual(greedy)
    expect(metrics.numAcceptedTokens).toBeGreaterThan(0)
    expect(metrics.meanDraftLength).toBeGreaterThan(0.6 * draftLength)
  })

  it('lookups before a parallel draft', async () => {
    const { ids, greedy } = reference.cases[0]!
    const table = new AnswerTable(target.tokenizer)
    table.add(greedy.slice(20, 30))
    const drafter = firstOf(answerLookup(table), modelDrafter(parallel.model))
    const { tokens, metrics } = await tokensOf({ drafter, draftLength: 5 }, ids, greedy.length)
    expect(tokens).toEqual(greedy)
    expect(metrics.drafters.map(({ drafter }) => drafter).sort()).toEqual(['answers', 'model'])
  })

  it('itself, of which every token is accepted, also after plain steps in between', async () => {
    const { ids, greedy } = reference.cases[1]!
    let turn = 0
    const alternating: DraftLengthPolicy = {
      next: (offers) => fixedDraftLength([4, 0, 0, 3][turn++ % 4]!).next(offers),
      observe: () => {},
    }
    for (const draftLength of [5, alternating]) {
      const { tokens, metrics } = await tokensOf({ drafter: target, draftLength }, ids, greedy.length)
      expect(tokens).toEqual(greedy)
      expect(metrics.draftAcceptanceRate).toBe(1)
      expect(metrics.acceptanceRate).toBeCloseTo(1, 5)
    }
  })

  it.each<DraftStop>([{ confidence: 0.4 }, { confidence: 0.9 }, { acceptance: 0.5 }])(
    'the target without its last layer, which stops early, %o',
    async (draftStop) => {
      const { ids, greedy } = reference.cases[0]!
      const { tokens, metrics } = await tokensOf({ drafter: shallow, draftLength: 6, draftStop }, ids, greedy.length)
      expect(tokens).toEqual(greedy)
      expect(metrics.numAcceptedTokens).toBeGreaterThan(0)
      expect(metrics.numDraftTokens).toBeLessThan(6 * metrics.numDrafts)
    },
  )

  it.each<[string, (itself: Drafter) => Drafter]>([
    ['itself', (itself) => itself],
    ['itself as one of several', (itself) => firstOf(promptLookup({ minNgram: 20 }), itself)],
  ])(
    '%s, stopping early: every proposed token is accepted, from what the steps that were run have read',
    async (_, of) => {
      const { ids, greedy } = reference.cases[1]!
      const drafter = of(modelDrafter(target.model, { stop: { confidence: 0.8 } }))
      const { tokens, metrics } = await tokensOf({ drafter, draftLength: 5 }, ids, greedy.length)
      expect(tokens).toEqual(greedy)
      expect(metrics.draftAcceptanceRate).toBe(1)
      expect(metrics.acceptanceRate).toBeCloseTo(1, 5)
      expect(metrics.meanDraftLength).toBeLessThan(4)
    },
  )

  it('n-grams of the prompt', async () => {
    const { ids, greedy } = reference.cases[2]!
    const { tokens } = await tokensOf({ drafter: promptLookup(), draftLength: 4 }, ids, greedy.length)
    expect(tokens).toEqual(greedy)
  })

  it('lookups before the target without its last layer', async () => {
    const { ids, greedy } = reference.cases[0]!
    const table = new AnswerTable(target.tokenizer)
    table.add(greedy.slice(20, 30))
    const drafter = firstOf(promptLookup({ minNgram: 2 }), answerLookup(table), modelDrafter(shallow.model))
    const { tokens, metrics } = await tokensOf({ drafter, draftLength: 5 }, ids, greedy.length)
    expect(tokens).toEqual(greedy)
    expect(metrics.drafters.map(({ drafter }) => drafter).sort()).toEqual(['answers', 'model', 'prompt'])
  })

  it('and the text of plain decoding', async () => {
    const decoder = new SpeculativeDecoder({ target, drafter: shallow, draftLength: 4 })
    const prompt = 'Once upon a time'
    let text = ''
    for await (const block of decoder.generate(prompt, { maxTokens: 60, stop: ['park.'] })) text += block.text
    let plain = ''
    for await (const { text } of generate(target, prompt, { maxTokens: 60, stop: ['park.'] })) plain += text
    expect(text).toBe(plain)
  })
})

describe('sampled from a real pair', () => {
  it.each<[string, SamplingOptions, () => PretrainedModel, DraftStop?]>([
    ['a draft', { temperature: 1, topK: 4 }, () => shallow],
    ['a draft', { temperature: 1.3, topK: 8, topP: 0.85 }, () => shallow],
    ['a trimmed draft', { temperature: 1, topK: 4 }, () => trimmed, { confidence: 0.5 }],
    ['a parallel draft', { temperature: 1, topK: 4 }, () => parallel],
    ['a trimmed parallel draft', { temperature: 1.3, topK: 8, topP: 0.85 }, () => parallelTrimmed],
  ])("answers follow the target's law (χ²), of %s, %o", async (_, sampling, drafter, draftStop) => {
    const prompt = reference.cases[2]!.ids
    const length = 3
    const samples = 150
    const expected = await law(prompt, length, sampling)
    const decoder = new SpeculativeDecoder({
      target,
      drafter: drafter(),
      draftLength: 2,
      draftStop,
      verification: 'block',
    })
    const observed = new Map<string, number>()
    for (let seed = 0; seed < samples; seed++) {
      const tokens: number[] = []
      for await (const block of decoder.generate(prompt, { ...sampling, maxTokens: length, seed }))
        tokens.push(...block.tokens)
      observed.set(tokens.join(), (observed.get(tokens.join()) ?? 0) + 1)
    }
    expect([...expected.values()].reduce((a, b) => a + b, 0)).toBeCloseTo(1, 6)
    expect(decoder.metrics.numAcceptedTokens).toBeGreaterThan(samples / 10)
    expect(decoder.metrics.numAcceptedTokens).toBeLessThan(decoder.metrics.numDraftTokens)
    expect(chiSquareScore(observed, expected)).toBeLessThan(3)
  })
})

/** The probability of every answer of `length` tokens, by float64 processing of the model's logits after every prefix. */
async function law(prompt: number[], length: number, sampling: SamplingOptions): Promise<Map<string, number>> {
  let prefixes = new Map<string, number>([['', 1]])
  for (let i = 0; i < length; i++) {
    const next = new Map<string, number>()
    for (const [prefix, probability] of prefixes) {
      const ids = [...prompt, ...prefix.split(',').filter(Boolean).map(Number)]
      const device = target.model.device
      const logits = device.scope(() =>
        target.model.forward(device.tensor(Uint32Array.from(ids), { shape: [1, ids.length] }), { rows: 'last' }),
      )
      const row = referenceDistribution(await logits.data(), sampling)
      logits.dispose()
      for (const [id, p] of row.entries())
        if (p > 0) next.set([prefix, id].filter((part) => part !== '').join(), probability * p)
    }
    prefixes = next
  }
  return prefixes
}
