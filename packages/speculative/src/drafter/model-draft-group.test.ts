import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { Decoder, generate, loadCausalLM, type PretrainedModel } from '@outrider/transformer'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { SpeculativeBatch } from '../batch/speculative-batch'
import { modelDrafter } from './model-drafter'

let target: PretrainedModel
/** The target without its last layer. */
let draft: Decoder

beforeAll(async () => {
  const device = await testDevice()
  target = await loadCausalLM(testData('stories260K'), { device })
  const { model, config } = target
  draft = new Decoder(device, { ...config, layers: config.layers - 1 }, model.parameters)
})
afterAll(() => target?.dispose())

const prompts = ['Once upon a time', 'Lily and Ben went', 'The']

describe('drafts of a model for several sequences', () => {
  it('are made in as many passes as the longest has tokens, each over those that are not done', async () => {
    const forward = vi.spyOn(draft, 'forward')
    using batch = new SpeculativeBatch({ target, drafter: modelDrafter(draft), size: 4 })
    const sequences = prompts.map((prompt, i) =>
      batch.join(target.tokenizer.encode(prompt), { draftLength: [2, 5, 3][i]!, maxTokens: 24 }),
    )
    await batch.step() // what the prompts say
    await batch.step() // the draft reads them
    forward.mockClear()
    await batch.step()
    const rows = forward.mock.calls.map(([tokens]) => tokens.size)
    forward.mockRestore()
    // The first is over what each has not read: one token, or two where all that was drafted was accepted.
    expect(rows.slice(1)).toEqual([3, 2, 1, 1])
    expect(rows[0]).toBeGreaterThanOrEqual(3)
    while (batch.count > 0) await batch.step()
    for (const [i, { answer }] of sequences.entries())
      expect(answer.tokens).toEqual((await generate(target, prompts[i]!, { maxTokens: 24 }).result).tokens)
  })

  it('are read anew where much was answered without them, and end early where they are told to', async () => {
    const { memory } = target.model.device
    const before = memory.liveBytes
    using batch = new SpeculativeBatch({ target, drafter: modelDrafter(draft, { stop: { confidence: 0.5 } }), size: 4 })
    let block = 0
    // Drafts for nobody for some twenty tokens, again and again.
    const seldom = {
      next: (offers: readonly unknown[]) => (block++ % 40 < 4 ? { offer: offers[0], draftLength: 4 } : null),
      observe() {},
    }
    const sequences = prompts
      .slice(0, 2)
      .map((prompt) => batch.join(target.tokenizer.encode(prompt), { draftLength: seldom as never, maxTokens: 44 }))
    while (batch.count > 0) await batch.step()
    for (const [i, { answer, metrics }] of sequences.entries()) {
      expect(answer.tokens).toEqual((await generate(target, prompts[i]!, { maxTokens: 44 }).result).tokens)
      expect(metrics.numAcceptedTokens).toBeGreaterThan(2)
      expect(metrics.numDraftTokens).toBeLessThan(4 * metrics.figures.numTargetPasses)
    }
    expect(memory.liveBytes).toBe(before)
  })
})
