import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { Decoder, type GenerateOptions, generate, loadCausalLM, type PretrainedModel } from '@outrider/transformer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SpeculativeDecoder } from '../decoder'
import { autoDraftLength } from '../draft-length/auto'
import { declaredCosts } from '../draft-length/declared-costs'
import { type DraftLengthPolicy, fixedDraftLength } from '../draft-length/policy'
import type { Drafter } from '../drafter/drafter'
import { firstOf } from '../drafter/first-of'
import { modelDrafter } from '../drafter/model-drafter'
import { promptLookup } from '../drafter/prompt-lookup'
import { chiSquareScore, lawOfThree, referenceDistribution } from '../reference-distribution.fixture'
import { letters, TableModel } from '../table-model.fixture'
import { SpeculativeBatch } from './speculative-batch'
import type { SequenceBlock, SpeculativeSequence } from './speculative-sequence'

let target: PretrainedModel
/** The target without its last layer: often right, and often not. */
let shallow: Drafter

beforeAll(async () => {
  const device = await testDevice()
  target = await loadCausalLM(testData('stories260K'), { device })
  const { model, config } = target
  shallow = modelDrafter(new Decoder(device, { ...config, layers: config.layers - 1 }, model.parameters))
})
afterAll(() => target?.dispose())

const promptOf = (i: number) => [
  ...target.tokenizer.encode(
    ['Once upon a time', 'Lily and Ben went to the park.', 'The', 'One day, one day, one'][i % 4]!,
  ),
]

/** A policy whose choice is a matter of the place in the answer alone. */
function changing(): DraftLengthPolicy {
  let block = 0
  return { next: (offers) => fixedDraftLength([4, 0, 15, 1, 7][block++ % 5]!).next(offers), observe: () => {} }
}

const auto = () =>
  autoDraftLength({ costs: declaredCosts({ parameterRatio: 0.05, isSoftware: false }), learnsTimes: false })

interface Asked extends GenerateOptions {
  prompt: number[]
  draftLength: () => number | DraftLengthPolicy | 'auto'
}

/** Answers all; they come a few a step, as long as there is room. */
async function together(batch: SpeculativeBatch, requests: readonly Asked[]): Promise<SpeculativeSequence[]> {
  const sequences: SpeculativeSequence[] = []
  while (sequences.length < requests.length || batch.count > 0) {
    for (let i = 0; i < 2 && sequences.length < requests.length; i++) {
      const { prompt, draftLength, ...options } = requests[sequences.length]!
      if (batch.fits(prompt.length + options.maxTokens!))
        sequences.push(batch.join(prompt, { ...options, draftLength: draftLength() }))
    }
    await batch.step()
    // As where memory is short.
    if (sequences.length % 3 === 0) batch.trim()
  }
  return sequences
}

describe('a batch of sequences that speculate, and of others that do not', () => {
  it('gives each greedy answer the tokens that it has plainly, and frees its memory', async () => {
    const { device } = target.model
    const requests: Asked[] = Array.from({ length: 11 }, (_, i) => ({
      prompt: promptOf(i),
      draftLength: [() => 0, () => 3, () => 'auto' as const, changing, auto][i % 5]!,
      maxTokens: 5 + ((i * 7) % 30),
    }))
    const before = device.memory.liveBytes
    const costs = declaredCosts({ parameterRatio: 0.05, isSoftware: false })
    const drafter = firstOf(promptLookup(), shallow)
    const batch = new SpeculativeBatch({ target, drafter, size: 6, costs })
    const sequences = await together(batch, requests)
    expect(device.memory.liveBytes).toBe(before)
    for (const [i, { prompt, maxTokens }] of requests.entries())
      expect(sequences[i]!.answer.tokens).toEqual((await generate(target, prompt, { maxTokens }).result).tokens)
    const counts = sequences.map(({ metrics }) => metrics.numAcceptedTokens)
    expect(counts.filter((count) => count > 0).length).toBeGreaterThan(4)
    expect(counts[0]).toBe(0)
  })

  it.each(['block', 'token'] as const)(
    'gives each answer with a seed the tokens and scores that it has alone, by %s verification',
    async (verification) => {
      const drafter = firstOf(promptLookup(), shallow)
      const requests: Asked[] = Array.from({ length: 8 }, (_, i) => ({
        ...{ prompt: promptOf(i), maxTokens: 10 + ((i * 5) % 17), logProbabilities: 2 },
        ...{ temperature: i % 3 === 0 ? 0 : 0.6 + i / 20, topP: 0.95, topK: i % 2 ? 40 : 0, seed: i },
        draftLength: [() => 4, changing, auto, () => 15][i % 4]!,
      }))
      // Prompts are read a piece a step; long ones by more than one.
      requests[2]!.prompt = Array.from({ length: 150 }, (_, i) => 5 + ((i * 7) % 300))
      const batch = new SpeculativeBatch({ target, drafter, verification, size: 5, maxStepSeconds: 1e-6 })
      const blocks = new Map<SpeculativeSequence, SequenceBlock[]>()
      const step = batch.step.bind(batch)
      batch.step = async () => {
        const told = await step()
        for (const block of told) blocks.set(block.sequence, [...(blocks.get(block.sequence) ?? []), block])
        return told
      }
      const sequences = await together(batch, requests)
      for (const [i, { prompt, draftLength, ...options }] of requests.entries()) {
        const decoder = new SpeculativeDecoder({ target, drafter, verification, draftLength: draftLength() as number })
        const alone = []
        for await (const block of decoder.generate(prompt, options)) alone.push(block)
        expect(blocks.get(sequences[i]!)!.map(({ sequence: _, ...block }) => block)).toEqual(alone)
        const { numDraftTokens, numAcceptedTokens, numDeliveredTokens } = decoder.metrics
        expect(sequences[i]!.metrics).toMatchObject({ numDraftTokens, numAcceptedTokens, numDeliveredTokens })
      }
    },
  )

  it('draws and judges what is greedy in as many passes for six as for three, and reads once', async () => {
    const { device } = target.model
    const measured = async (count: number, options: (i: number) => Partial<Asked> & { draftLength: () => number }) => {
      using batch = new SpeculativeBatch({ target, drafter: shallow, size: 8 })
      for (let i = 0; i < count; i++) {
        const { draftLength, ...asked } = options(i)
        batch.join([5 + i], { maxTokens: 24, seed: i, ...asked, draftLength: draftLength() })
      }
      for (let step = 0; step < 3; step++) await batch.step()
      const before = { ...device.counters }
      await batch.step()
      expect(device.counters.readbacks - before.readbacks).toBe(1)
      return device.counters.dispatches - before.dispatches
    }
    for (const options of [
      () => ({ draftLength: () => 0 }),
      (i: number) => ({ draftLength: () => 0, temperature: 0.6 + i / 10, topP: 0.9 }),
      (i: number) => ({ draftLength: () => (i % 3) * 2 }),
    ])
      expect(await measured(6, options)).toBe(await measured(3, options))
    // A draft that is drawn is judged by itself; drawn it is with the others.
    const drawn = (i: number) => ({ draftLength: () => 3, temperature: 0.6 + i / 10 })
    expect((await measured(6, drawn)) - (await measured(3, drawn))).toBe(3 * 3)
  })

  it('goes on for the others when one joins or leaves while it waits', async () => {
    const { device } = target.model
    const before = device.memory.liveBytes
    using batch = new SpeculativeBatch({ target, drafter: shallow, size: 4 })
    const [prompt, maxTokens] = [promptOf(1), 24]
    const stays = batch.join(prompt, { draftLength: 5, maxTokens })
    const leaves = batch.join(promptOf(2), { draftLength: 3, maxTokens })
    await batch.step()
    const waiting = batch.step()
    batch.leave(leaves)
    batch.leave(leaves)
    const joins = [promptOf(0), promptOf(3)].map((other) => batch.join(other, { draftLength: 2, maxTokens: 80 }))
    expect((await waiting).map(({ sequence }) => sequence)).toEqual([stays])
    while (batch.count > 0) await batch.step()
    const plain = async (ids: number[], most: number) =>
      (await generate(target, ids, { maxTokens: most }).result).tokens
    expect(stays.answer.tokens).toEqual(await plain(prompt, maxTokens))
    expect(joins[0]!.answer.tokens).toEqual(await plain(promptOf(0), 80))
    expect(joins[1]!.answer.tokens).toEqual(await plain(promptOf(3), 80))
    batch.join(prompt, { draftLength: 1 })
    await batch.step()
    batch.dispose()
    expect(device.memory.liveBytes).toBe(before)
  })

  it('refuses what it has no room for, and draft lengths that are none, and stays as it was', async () => {
    const { device } = target.model
    using batch = new SpeculativeBatch({ target, drafter: shallow, size: 1 })
    const before = device.memory.liveBytes
    for (const draftLength of [16, -1, 1.5])
      expect(() => batch.join([1], { draftLength })).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
    expect(() => batch.join([1], { draftLength: 'auto' })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    )
    expect(device.memory.liveBytes).toBe(before)
    batch.join([1], { draftLength: 2, maxTokens: 2 })
    expect(() => batch.join([1], { draftLength: 2 })).toThrow(expect.objectContaining({ code: 'DEVICE_LIMIT' }))
    expect(batch.count).toBe(1)
    expect(() => new SpeculativeBatch({ target, drafter: shallow, size: 0 })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }),
    )
  })
})

it("draws answers by the target's law, under draft lengths that follow the clock (χ²)", async () => {
  const device = await testDevice()
  const table = [
    [0.3, 1.2, -0.5],
    [1.5, 0.2, 0.9],
    [-0.4, 0.8, 0.3],
  ]
  const model = new TableModel(device, table)
  const draft = new TableModel(device, [
    [0.9, 0.6, -0.2],
    [0.7, 0.9, 0.8],
    [0.2, 0.3, 1.2],
  ])
  const sampling = { temperature: 0.8 }
  const law = lawOfThree(table, sampling)
  let block = 0
  const restless: DraftLengthPolicy = {
    next: (offers) => fixedDraftLength(block++ % 3).next(offers),
    observe: () => {},
  }
  const batch = new SpeculativeBatch({ target: letters(model), drafter: letters(draft), size: 16 })
  const observed = new Map<string, number>()
  let accepted = 0
  for (let round = 0; round < 30; round++) {
    const sequences = Array.from({ length: 16 }, (_, i) =>
      batch.join([0], { ...sampling, seed: 16 * round + i, maxTokens: 3, draftLength: i % 4 === 0 ? 0 : restless }),
    )
    while (batch.count > 0) await batch.step()
    for (const { answer, metrics } of sequences) {
      accepted += metrics.numAcceptedTokens
      observed.set(answer.tokens.join(), (observed.get(answer.tokens.join()) ?? 0) + 1)
    }
  }
  expect(accepted).toBeGreaterThan(50)
  expect(chiSquareScore(observed, law)).toBeLessThan(3)
  expect([model.openCaches, draft.openCaches]).toEqual([0, 0])
  model.dispose()
  draft.dispose()
})

it("draws answers by the target's law where drafts are scheduled by load, others joining and leaving meanwhile (χ²)", async () => {
  const device = await testDevice()
  const table = [
    [0.3, 1.2],
    [1.5, 0.2],
  ]
  // A machine for six rows: where few ask they are drafted for, and in a crowd hardly any.
  const secondsOf = (rows: number) => 1 + 0.35 * Math.max(0, rows - 6)
  let clock = 0
  class TimedModel extends TableModel {
    override forward(...[tokens, options]: Parameters<TableModel['forward']>) {
      clock += secondsOf(options?.counts?.reduce((sum, count) => sum + count, 0) ?? tokens.size)
      return super.forward(tokens, options)
    }
  }
  const model = new TimedModel(device, table)
  const draft = new TableModel(device, [
    [0.7, 0.8],
    [0.9, 0.9],
  ])
  const costs = { draftSeconds: 0.01, targetSeconds: [1, 6, 16].map((rows) => ({ rows, seconds: secondsOf(rows) })) }
  const [target, drafter] = [letters(model), letters(draft)]
  const batch = new SpeculativeBatch({ target, drafter, size: 12, costs, now: () => clock })
  const sampling = { temperature: 0.8 }
  const rows = table.map((logits) => referenceDistribution(logits, sampling))
  const asked = { ...sampling, draftLength: 'auto' as const, maxTokens: 4 }
  const law = new Map<string, number>()
  for (let answer = 0; answer < 2 ** asked.maxTokens; answer++) {
    const tokens = Array.from({ length: asked.maxTokens }, (_, i) => (answer >> i) & 1)
    law.set(
      tokens.join(),
      tokens.reduce((product, x, i) => product * rows[tokens[i - 1] ?? 0]![x]!, 1),
    )
  }
  const answers: SpeculativeSequence[] = []
  const passers: SpeculativeSequence[] = []
  /** How many tokens were drafted for a sequence, by how many were in the step. */
  const [alone, crowded]: [number[], number[]] = [[], []]
  let joined = 0
  for (let step = 0; joined < 320 || batch.count > 0; step++) {
    const crowd = step % 24 < 8 ? 12 : 2
    while (joined < 320 && batch.count < crowd) {
      const sequence = batch.join([0], { ...asked, seed: joined })
      // Who is to leave is known before anything is said.
      if (joined++ % 7 === 0) passers.push(sequence)
      else answers.push(sequence)
    }
    // Of first tokens nothing is drafted, and of last ones nothing can be.
    const blocks = (await batch.step()).filter(
      ({ sequence: { answer }, tokens }) => answer.tokens.length > tokens.length,
    )
    for (const { drafted } of blocks) (blocks.length > 6 ? crowded : alone).push(drafted)
    if (passers.length > 0 && step % 2 === 0) batch.leave(passers.shift()!)
  }
  const observed = new Map<string, number>()
  for (const { answer } of answers) observed.set(answer.tokens.join(), (observed.get(answer.tokens.join()) ?? 0) + 1)
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length
  expect(mean(alone)).toBeGreaterThan(mean(crowded) + 0.5)
  expect(chiSquareScore(observed, law)).toBeLessThan(3)
  model.dispose()
  draft.dispose()
})
