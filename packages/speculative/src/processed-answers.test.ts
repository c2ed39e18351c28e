import type { Device } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { type GenerateOptions, generate } from '@outrider/transformer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SpeculativeBatch } from './batch/speculative-batch'
import { TableConstraint } from './constraint.fixture'
import { SpeculativeDecoder } from './decoder'
import type { Drafter } from './drafter/drafter'
import { firstOf } from './drafter/first-of'
import { modelDrafter } from './drafter/model-drafter'
import { promptLookup } from './drafter/prompt-lookup'
import { chiSquareScore, referenceDistribution, referenceLogits } from './reference-distribution.fixture'
import { letters, TableModel } from './table-model.fixture'
import type { Verification } from './verification/by-name'

const target = [
  [0.3, 1.2, -0.5, 0.1],
  [1.5, 0.2, 0.9, -1],
  [-0.4, 0.8, 0.3, 1.1],
  [0.6, -0.7, 1.3, 0.2],
]
const draft = [
  [0.9, 0.6, -0.2, 0.4],
  [0.7, 0.9, 0.8, -0.3],
  [0.2, 0.3, 1.2, 0.4],
  [0.5, 0.6, 0.4, 0.9],
]
const prompt = [0, 1, 2, 0, 1]

const penalties = { presencePenalty: 0.4, frequencyPenalty: 0.3, repetitionPenalty: 1.3 }
const logitBias = { 0: -0.5, 3: 0.6 }
const constraint = new TableConstraint([[1, 3], null, [0, 2, 3], [2]])
const processings: Record<string, GenerateOptions> = {
  'a bias': { logitBias },
  penalties,
  'a constraint': { constraint },
  'all of them': { logitBias, ...penalties, minP: 0.05, constraint },
}

let device: Device
let model: TableModel
let drafters: Record<string, Drafter>
const drafts: TableModel[] = []
beforeAll(async () => {
  device = await testDevice()
  model = new TableModel(device, target)
  // A row more, and what it says of itself, which the target does not know.
  const wider = [...draft, [0.4, 0.8, 0.5, 0.6]].map((row) => [...row, 1])
  const made = (...args: ConstructorParameters<typeof TableModel>) => {
    const one = new TableModel(...args)
    drafts.push(one)
    return one
  }
  drafters = {
    'a model': modelDrafter(made(device, draft)),
    'a trimmed model that stops': modelDrafter(made(device, draft, { coveredIds: [0, 1, 3] }), {
      stop: { confidence: 0.4 },
    }),
    'a parallel, trimmed model': modelDrafter(made(device, wider, { maskTokenId: 4, coveredIds: [0, 1, 2] })),
    'lookups, else a wider model': firstOf(promptLookup({ minNgram: 2 }), modelDrafter(made(device, wider))),
  }
})
afterAll(() => {
  for (const one of [model, ...drafts]) one.dispose()
})

const decoderOf = (drafter: Drafter, verification: Verification = 'block') =>
  new SpeculativeDecoder({ target: letters(model), drafter, draftLength: 3, verification })

/** The drafter, without what it does to know what is allowed behind its own tokens. */
const maskedFirst = (drafter: Drafter): Drafter => ({
  ...drafter,
  open(options) {
    const session = drafter.open(options)
    return {
      offers: (tokens, limit) => session.offers!(tokens, limit),
      draft: (request) => session.draft(request),
      keep: (...kept) => session.keep(...kept),
      dispose: () => session.dispose(),
    }
  },
})

const dispose = () => {}

const drafterNames = [
  'a model',
  'a trimmed model that stops',
  'a parallel, trimmed model',
  'lookups, else a wider model',
]

describe('greedy answers with processed logits', () => {
  it.each(drafterNames)('are the plain ones, alone and in a batch, drafted by %s', async (name) => {
    const drafter = drafters[name]!
    const plain: number[][] = []
    let accepted = 0
    const before = device.memory.liveBytes
    for (const options of Object.values(processings)) {
      const asked = { ...options, maxTokens: 14, logProbabilities: 1 }
      const { tokens } = await generate({ ...letters(model), dispose }, prompt, asked).result
      plain.push(tokens)
      const decoder = decoderOf(drafter)
      expect((await decoder.generate(prompt, asked).result).tokens).toEqual(tokens)
      accepted += decoder.metrics.numAcceptedTokens
    }
    expect(accepted).toBeGreaterThan(10)
    expect(new Set(plain.map(String)).size).toBe(plain.length)
    const batch = new SpeculativeBatch({ target: letters(model), drafter })
    const joined = Object.values(processings).map((options, i) =>
      batch.join(prompt, { ...options, maxTokens: 14, draftLength: i % 2 === 0 ? 3 : 2 }),
    )
    while (batch.count > 0) await batch.step()
    expect(joined.map(({ answer }) => answer.tokens)).toEqual(plain)
    expect(device.memory.liveBytes).toBe(before)
  })

  it('are given in fewer passes where the draft has its logits processed too', async () => {
    const likes = new TableModel(device, target)
    const bothCounted = decoderOf(modelDrafter(likes))
    const { tokens } = await bothCounted.generate(prompt, { ...penalties, logitBias, maxTokens: 20 }).result
    expect(tokens).toHaveLength(20)
    // The draft is the target: what is drafted is what is said.
    expect(bothCounted.metrics.numAcceptedTokens).toBe(bothCounted.metrics.numDraftTokens)
    likes.dispose()
  })

  it('are drafted from what is allowed behind each drafted token, sampled ones too: where the draft is the target, all is accepted', async () => {
    const likes = new TableModel(device, target)
    const choices = new TableConstraint([
      [1, 3],
      [0, 2],
      [0, 3],
      [1, 2],
    ])
    const metricsOf = async (drafter: Drafter, options: GenerateOptions) => {
      const decoder = decoderOf(drafter, 'token')
      for (let seed = 0; seed < 4; seed++)
        await decoder.generate(prompt, { constraint: choices, maxTokens: 16, seed, ...options }).result
      return decoder.metrics
    }
    for (const options of [{ temperature: 0 }, { temperature: 1.3 }, { temperature: 1, ...penalties, logitBias }])
      expect((await metricsOf(modelDrafter(likes), options)).draftAcceptanceRate).toBe(1)
    // Blocks of another draft bring more than where it knows of its first token alone what is allowed.
    const more = await metricsOf(drafters['a model']!, { temperature: 1 })
    const less = await metricsOf(maskedFirst(drafters['a model']!), { temperature: 1 })
    expect(more.blockEfficiency).toBeGreaterThan(less.blockEfficiency)
    // In a batch it is drafted as alone.
    const asked = { constraint: choices, maxTokens: 16, seed: 1, temperature: 1, draftLength: 3 }
    const decoder = decoderOf(drafters['a model']!)
    const { tokens } = await decoder.generate(prompt, asked).result
    const batch = new SpeculativeBatch({ target: letters(model), drafter: drafters['a model']! })
    const { answer, metrics } = batch.join(prompt, asked)
    while (batch.count > 0) await batch.step()
    expect([answer.tokens, metrics.numAcceptedTokens]).toEqual([tokens, decoder.metrics.numAcceptedTokens])
    likes.dispose()
  })

  it('are drafted by the constraint itself where it leaves no choice, alone and in a batch, and elsewhere by the model', async () => {
    const forcing = new TableConstraint([[1, 2], [3], [0, 1], [2]])
    const asked = { constraint: forcing, maxTokens: 14, draftLength: 3 }
    const { tokens } = await generate({ ...letters(model), dispose }, prompt, asked).result
    const decoder = decoderOf(drafters['a model']!)
    expect((await decoder.generate(prompt, asked).result).tokens).toEqual(tokens)
    const batch = new SpeculativeBatch({ target: letters(model), drafter: drafters['a model']! })
    const { answer, metrics } = batch.join(prompt, asked)
    while (batch.count > 0) await batch.step()
    expect(answer.tokens).toEqual(tokens)
    for (const { figures } of [decoder.metrics, metrics]) {
      const [forced, drawn] = ['constraint', 'model'].map((name) =>
        figures.drafters.find(({ drafter }) => drafter === name),
      )
      expect(forced!.numDraftTokens).toBeGreaterThan(2)
      expect(forced!.numAcceptedTokens).toBe(forced!.numDraftTokens)
      expect(drawn!.numDraftTokens).toBeGreaterThan(0)
    }
  })

  it('end with an end token that a constraint asks for, in the middle of a block', async () => {
    const ends = new TableConstraint([[1], [2], [3], null])
    const asked = { constraint: ends, maxTokens: 12 }
    const target = letters(model, { eosTokenIds: [3] })
    const { tokens } = await generate({ ...target, dispose }, prompt, asked).result
    expect(tokens.at(-1)).toBe(3)
    const decoder = new SpeculativeDecoder({ target, drafter: drafters['a model']!, draftLength: 3 })
    expect((await decoder.generate(prompt, asked).result).tokens).toEqual(tokens)
  })
})

it('sequences with a constraint may leave a batch, and others join, while their drafts are waited for', async () => {
  const { liveBytes } = device.memory
  const batch = new SpeculativeBatch({ target: letters(model), drafter: drafters['a model']!, size: 8 })
  const asked = { constraint, maxTokens: 14, draftLength: 3 }
  const { tokens } = await generate({ ...letters(model), dispose }, prompt, asked).result
  const stays = batch.join(prompt, asked)
  const leaves = [batch.join(prompt, asked), batch.join(prompt, { ...asked, constraint: undefined })]
  await batch.step()
  const waiting = batch.step()
  // Its first tokens are on their way.
  for (const one of leaves) batch.leave(one)
  const joins = [1, 2, 3].map(() => batch.join(prompt, asked))
  expect((await waiting).map(({ sequence }) => sequence)).toEqual([stays])
  while (batch.count > 0) await batch.step()
  for (const { answer } of [stays, ...joins]) expect(answer.tokens).toEqual(tokens)
  const last = batch.join(prompt, asked)
  await batch.step()
  const nobody = batch.step()
  batch.leave(last)
  expect(await nobody).toEqual([])
  expect(device.memory.liveBytes).toBe(liveBytes)
})

describe("sampled answers with processed logits follow the target's law (χ²)", () => {
  const length = 4
  const samples = 300

  /** The probability of every answer. */
  function law(options: GenerateOptions): Map<string, number> {
    let answers: { said: number[]; probability: number }[] = [{ said: [], probability: 1 }]
    for (let i = 0; i < length; i++)
      answers = answers.flatMap(({ said, probability }) => {
        const walker = options.constraint?.clone()
        for (const token of said) walker?.accept(token)
        const row = target[said.at(-1) ?? prompt.at(-1)!]!
        const logits = referenceLogits(row, options, { prompt, said, allowed: walker?.allowed() ?? null })
        return referenceDistribution(logits, options).flatMap((p, x) =>
          p > 0 ? [{ said: [...said, x], probability: probability * p }] : [],
        )
      })
    return new Map(answers.map(({ said, probability }) => [said.join(), probability]))
  }

  it.each<[string, Verification, string, GenerateOptions]>([
    ['a model', 'block', 'penalties', { temperature: 1 }],
    ['a trimmed model that stops', 'token', 'all of them', { temperature: 1.2, topK: 3 }],
    ['a parallel, trimmed model', 'block', 'all of them', { temperature: 1 }],
    ['lookups, else a wider model', 'block', 'a constraint', { temperature: 1, topP: 0.9 }],
  ])('drafted by %s, %s verification, with %s, %o', async (name, verification, what, sampling) => {
    const options = { ...processings[what], ...sampling }
    const decoder = decoderOf(drafters[name]!, verification)
    const observed = new Map<string, number>()
    for (let seed = 0; seed < samples; seed++) {
      const { tokens } = await decoder.generate(prompt, { ...options, maxTokens: length, seed }).result
      observed.set(tokens.join(), (observed.get(tokens.join()) ?? 0) + 1)
    }
    expect(decoder.metrics.numAcceptedTokens).toBeGreaterThan(samples / 4)
    expect(chiSquareScore(observed, law(options))).toBeLessThan(3)
  })
})
