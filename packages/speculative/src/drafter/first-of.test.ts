import type { Device } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { resolveSampling, type SamplingOptions } from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { SpeculativeDecoder, type SpeculativeDecoderOptions } from '../decoder'
import { letters, TableModel } from '../table-model.fixture'
import { answerLookup } from './answer-lookup'
import { AnswerTable } from './answer-table'
import type { Drafter } from './drafter'
import { firstOf } from './first-of'
import { modelDrafter } from './model-drafter'
import { promptLookup } from './prompt-lookup'

let device: Device
beforeAll(async () => {
  device = await testDevice()
})

/** After each letter the next is likeliest, and after the last the first. */
const size = 6
const logits = Array.from({ length: size }, (_, i) =>
  Array.from({ length: size }, (_, j) => (j === (i + 1) % size ? 3 : 0)),
)
const vocabulary = { vocabularySize: 26, fingerprint: 'letters 26' }

it('offers what all of them offer, in their order, and drafts what was chosen', async () => {
  const model = new TableModel(device, logits)
  const table = new AnswerTable(vocabulary)
  table.add([1, 2, 5, 5])
  const drafter = firstOf(promptLookup(), answerLookup(table), modelDrafter(model))
  const session = drafter.open({ device, vocabularySize: size, capacity: 60 })
  const tokens = [1, 2, 3, 3, 1, 2]
  const request = { tokens, draftLength: 2, sampling: resolveSampling(), offset: 0 }
  const offers = session.offers!(tokens, 4)
  expect(offers.map(({ source, length }) => [source, length])).toEqual([
    ['prompt', 4],
    ['answers', 4],
    ['model', 4],
  ])
  expect(session.draft({ ...request, offer: offers[0] })).toEqual({ ids: [3, 3] })
  expect(session.draft({ ...request, offer: offers[1] })).toEqual({ ids: [5, 5] })
  expect(session.draft(request)).toEqual({ ids: [3, 3] })
  const drafted = device.scope(() => session.draft({ ...request, offer: offers[2] }))!
  expect('tokens' in drafted && [...(await drafted.tokens.data())]).toEqual([3, 4])
  session.dispose()
  expect(model.openCaches).toBe(0)
  model.dispose()
})

it('tells who drafted how much of it was proposed, and the others what is kept', () => {
  const told: Record<string, unknown[]> = { first: [], second: [] }
  const drafting = (name: string): Drafter => ({
    name,
    parameterCount: 0,
    open: () => ({
      offers: (_, length) => [{ source: name, kind: '', length }],
      draft: () => ({ ids: [1, 2, 3] }),
      keep: (...what) => told[name]!.push(what),
      dispose() {},
    }),
  })
  const session = firstOf(drafting('first'), drafting('second')).open({ device, vocabularySize: size, capacity: 60 })
  const tokens = [1, 2]
  const [, offer] = session.offers!(tokens, 3)
  session.draft({ tokens, offer, draftLength: 3, sampling: resolveSampling(), offset: 0 })
  session.keep(4, 2)
  expect(told).toEqual({ first: [[4, undefined]], second: [[4, 2]] })
})

it('closes what it opened where one cannot be opened', () => {
  const model = new TableModel(device, logits)
  const table = new AnswerTable(vocabulary)
  table.add([size - 1, size])
  expect(() =>
    firstOf(modelDrafter(model), answerLookup(table)).open({ device, vocabularySize: size, capacity: 60 }),
  ).toThrow(expect.objectContaining({ code: 'VOCABULARY_MISMATCH' }))
  expect(model.openCaches).toBe(0)
  model.dispose()
})

describe('decoding with several drafters', () => {
  const prompt = [0, 1, 2, 3, 4, 5, 0, 1]
  const weaker = logits.map((row) => row.map((value, j) => value + (j === 2 ? 2.5 : 0)))

  async function decoded(
    { drafter, ...options }: Partial<SpeculativeDecoderOptions> & { drafter: Drafter },
    sampling: SamplingOptions = {},
  ) {
    const model = new TableModel(device, logits)
    const decoder = new SpeculativeDecoder({ target: letters(model), drafter, draftLength: 4, ...options })
    const tokens: number[] = []
    const drafters: (string | undefined)[] = []
    for await (const block of decoder.generate(prompt, { maxTokens: 30, ...sampling })) {
      tokens.push(...block.tokens)
      if (block.drafted > 0) drafters.push(block.drafter)
      else expect(block.drafter).toBeUndefined()
    }
    model.dispose()
    return { tokens, drafters, metrics: decoder.metrics }
  }

  it('gives greedily the tokens of plain decoding, whoever drafts', async () => {
    const model = new TableModel(device, weaker)
    const table = new AnswerTable(vocabulary)
    table.add([0, 1, 2, 2, 2])
    const all = [promptLookup(), answerLookup(table), modelDrafter(model)]
    const plain = await decoded({ drafter: all[0]!, draftLength: 0 })
    const costs = { draftSeconds: 0.1, targetSeconds: [{ rows: 1, seconds: 1 }] }
    for (const drafter of [...all, firstOf(...all), firstOf(...all.toReversed())])
      for (const draftLength of [1, 4, 15, 'auto'] as const)
        expect((await decoded({ drafter, draftLength, costs })).tokens).toEqual(plain.tokens)
    model.dispose()
  })

  it('says of each block who drafted, and counts by who did', async () => {
    const model = new TableModel(device, weaker)
    const drafter = firstOf(promptLookup({ minNgram: 6 }), modelDrafter(model))
    const { drafters, metrics } = await decoded({ drafter }, { temperature: 1, seed: 1 })
    expect(new Set(drafters)).toEqual(new Set(['prompt', 'model']))
    const figures = metrics.drafters
    expect(figures.map(({ drafter, numDrafts }) => [drafter, numDrafts])).toEqual(
      [...new Set(drafters)].map((source) => [source, drafters.filter((other) => other === source).length]),
    )
    const sum = (name: 'numDrafts' | 'numDraftTokens' | 'numAcceptedTokens') =>
      figures.reduce((total, figure) => total + figure[name], 0)
    for (const name of ['numDrafts', 'numDraftTokens', 'numAcceptedTokens'] as const)
      expect(sum(name)).toBe(metrics[name])
    model.dispose()
  })

  it('lets the model catch up on what others drafted: itself, it is always right', async () => {
    const model = new TableModel(device, logits)
    const drafter = firstOf(promptLookup({ minNgram: 4 }), modelDrafter(model))
    const { metrics } = await decoded({ drafter }, { temperature: 1, seed: 2 })
    expect(new Set(metrics.drafters.map(({ drafter }) => drafter))).toEqual(new Set(['prompt', 'model']))
    expect(metrics.drafters.find(({ drafter }) => drafter === 'model')).toMatchObject({ draftAcceptanceRate: 1 })
    model.dispose()
  })
})
