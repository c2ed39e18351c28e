import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { type GenerateOptions, generate, loadCausalLM, type PretrainedModel } from '@outrider/transformer'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { SpeculativeBatch } from '../batch/speculative-batch'
import { SpeculativeDecoder } from '../decoder'
import { asParallelDraft } from './parallel-draft.fixture'

let target: PretrainedModel
/** The target's first layers, which guess in parallel: of all ids, and over two of three. */
let draft: PretrainedModel
let trimmed: PretrainedModel

beforeAll(async () => {
  const device = await testDevice()
  target = await loadCausalLM(testData('stories260K'), { device })
  const coveredIds = Array.from({ length: 512 }, (_, id) => id).filter((id) => id % 3 !== 0)
  draft = asParallelDraft(target, { layers: 4 })
  trimmed = asParallelDraft(target, { layers: 4, coveredIds })
})
afterAll(() => {
  for (const model of [draft, trimmed, target]) model?.dispose()
})

const promptOf = (i: number) =>
  target.tokenizer.encode(['Once upon a time', 'Lily and Ben went', 'The', 'One day, one day, one'][i % 4]!)

describe('drafts of a parallel model for several sequences', () => {
  it('are made in one pass, over what each has unread and its masks', async () => {
    const forward = vi.spyOn(draft.model, 'forward')
    using batch = new SpeculativeBatch({ target, drafter: draft, size: 4 })
    const lengths = [2, 5, 3]
    const sequences = lengths.map((draftLength, i) => batch.join(promptOf(i), { draftLength, maxTokens: 14 }))
    await batch.step() // what the prompts say
    await batch.step() // the draft reads them
    forward.mockClear()
    const blocks = await batch.step()
    const passes = forward.mock.calls.map(([tokens]) => tokens.size)
    forward.mockRestore()
    expect(blocks.map(({ drafted }) => drafted)).toEqual(lengths)
    // Of each at least the last token is unread, and drafted ones but the first are masks.
    expect(passes).toHaveLength(1)
    expect(passes[0]).toBeGreaterThanOrEqual(2 + 5 + 3)
    while (batch.count > 0) await batch.step()
    for (const [i, { answer }] of sequences.entries())
      expect(answer.tokens).toEqual((await generate(target, promptOf(i), { maxTokens: 14 }).result).tokens)
  })

  it.each(['all ids', 'some ids'])('have the bits that they have alone, %s', async (name) => {
    const { memory } = target.model.device
    const drafter = name === 'all ids' ? draft : trimmed
    const before = memory.liveBytes
    const requests: (GenerateOptions & { draftLength: number })[] = [
      { temperature: 0.8, draftLength: 4 },
      { temperature: 0, draftLength: 2 },
      { temperature: 1.1, topK: 30, draftLength: 1 },
      { temperature: 0, draftLength: 5, frequencyPenalty: 0.4 },
      { temperature: 0.7, topP: 0.9, draftLength: 3, presencePenalty: 0.3 },
    ].map((options, seed) => ({ ...options, seed, maxTokens: 7 + seed }))
    const batch = new SpeculativeBatch({ target, drafter, size: 4 })
    const sequences: ReturnType<typeof batch.join>[] = []
    for (let step = 0; step === 0 || batch.count > 0; step++) {
      // They come one by one: the first drafts alone before others join.
      if (step % 2 === 0 && sequences.length < requests.length && batch.fits(40))
        sequences.push(batch.join(promptOf(sequences.length), requests[sequences.length]!))
      await batch.step()
    }
    let accepted = 0
    for (const [i, { draftLength, ...options }] of requests.entries()) {
      const decoder = new SpeculativeDecoder({ target, drafter, draftLength })
      const tokens: number[] = []
      for await (const block of decoder.generate(promptOf(i), options)) tokens.push(...block.tokens)
      expect(sequences[i]!.answer.tokens).toEqual(tokens)
      const { numDraftTokens, numAcceptedTokens } = decoder.metrics
      expect(sequences[i]!.metrics).toMatchObject({ numDraftTokens, numAcceptedTokens })
      accepted += numAcceptedTokens
    }
    expect(accepted).toBeGreaterThan(5)
    expect(memory.liveBytes).toBe(before)
  })

  it('are read anew where much was answered without them', async () => {
    using batch = new SpeculativeBatch({ target, drafter: draft, size: 4 })
    let block = 0
    const seldom = {
      next: (offers: readonly unknown[]) => (block++ % 36 < 4 ? { offer: offers[0], draftLength: 4 } : null),
      observe() {},
    }
    const sequences = [0, 1].map((i) => batch.join(promptOf(i), { draftLength: seldom as never, maxTokens: 32 }))
    while (batch.count > 0) await batch.step()
    for (const [i, { answer, metrics }] of sequences.entries()) {
      expect(answer.tokens).toEqual((await generate(target, promptOf(i), { maxTokens: 32 }).result).tokens)
      expect(metrics.numDraftTokens).toBeGreaterThan(7)
    }
  })
})
