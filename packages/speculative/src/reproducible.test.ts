import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { Decoder, loadCausalLM, type PretrainedModel, type ScoredToken } from '@outrider/transformer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Block } from './block'
import { SpeculativeDecoder, type SpeculativeDecoderOptions, type SpeculativeGenerateOptions } from './decoder'
import { type DraftLengthPolicy, fixedDraftLength } from './draft-length/policy'
import { answerLookup } from './drafter/answer-lookup'
import { AnswerTable } from './drafter/answer-table'
import type { Drafter } from './drafter/drafter'
import { firstOf } from './drafter/first-of'
import { modelDrafter } from './drafter/model-drafter'
import { promptLookup } from './drafter/prompt-lookup'

let target: PretrainedModel
/** The target without its last layer, said to be small: often right, and often not. */
let shallow: Drafter

beforeAll(async () => {
  const device = await testDevice()
  target = await loadCausalLM(testData('stories260K'), { device })
  const { model, config } = target
  const upper = new Decoder(device, { ...config, layers: config.layers - 1 }, model.parameters)
  shallow = { ...modelDrafter(upper), parameterCount: 20_000 }
})
afterAll(() => target?.dispose())

/** Clocks of an idle machine, and of one where now a draft and now a pass of the target seems to take for ever. */
const steady = () => {
  let readings = 0
  return () => readings++ / 1000
}
const busy = (seed: number) => {
  const random = numbers(seed)
  let reading = 0
  return () => {
    reading += random() % 3 === 0 ? 5 : 0.0005
    return reading
  }
}

function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 8
  }
}

async function answer(
  options: Partial<SpeculativeDecoderOptions> | SpeculativeDecoder,
  { onBlock, ...generation }: SpeculativeGenerateOptions & { onBlock?: (block: Block) => void } = {},
): Promise<{ tokens: number[]; lengths: number[]; scored: ScoredToken[] }> {
  const decoder =
    options instanceof SpeculativeDecoder ? options : new SpeculativeDecoder({ target, drafter: shallow, ...options })
  const [tokens, lengths, scored]: [number[], number[], ScoredToken[]] = [[], [], []]
  for await (const block of decoder.generate('Once upon a time', { maxTokens: 48, ...generation })) {
    onBlock?.(block)
    tokens.push(...block.tokens)
    lengths.push(block.drafted)
    scored.push(...(block.scored ?? []))
  }
  return { tokens, lengths, scored }
}

const sampled = { temperature: 0.9, topP: 0.95, seed: 7 }

describe('an automatic draft length', () => {
  it('gives the same tokens for the same seed whatever the clock says', async () => {
    const idle = await answer({ now: steady() }, sampled)
    expect(new Set(idle.lengths).size).toBeGreaterThan(2) // it chooses
    expect(await answer({ now: busy(1) }, sampled)).toEqual(idle)
    expect((await answer({ now: steady() }, { ...sampled, seed: 8 })).tokens).not.toEqual(idle.tokens)
  })

  it('gives them whatever was answered before, and whether costs were measured', async () => {
    const alone = await answer({}, sampled)
    const decoder = new SpeculativeDecoder({ target, drafter: shallow, now: busy(3) })
    await answer(decoder, { temperature: 1.5 })
    await decoder.measureCosts(sampled)
    await answer(decoder, { maxTokens: 40 })
    expect(await answer(decoder, sampled)).toEqual(alone)
  })

  it('gives them with lookups before the model, which also learn from this answer alone', async () => {
    const table = new AnswerTable(target.tokenizer)
    table.add(target.tokenizer.encode('Once upon a time, there was a little girl named Lily. She was'))
    const drafter = firstOf(promptLookup(), answerLookup(table), shallow)
    const sources = new Set<string | undefined>()
    const idle = await answer(
      { drafter, now: steady() },
      { ...sampled, onBlock: (block) => sources.add(block.drafter) },
    )
    expect(sources.size).toBeGreaterThan(1)
    const decoder = new SpeculativeDecoder({ target, drafter, now: busy(2) })
    await answer(decoder, { temperature: 1.5 })
    expect(await answer(decoder, sampled)).toEqual(idle)
  })

  it('gives them where it chooses what drafts stop at', async () => {
    const costs = {
      draftSeconds: 0.3,
      skippedSeconds: 0.02,
      targetSeconds: [1, 16].map((rows) => ({ rows, seconds: 1 + rows / 10 })),
    }
    const long = { ...sampled, maxTokens: 200 }
    const stopping = { costs, draftStop: 'auto' } as const
    const decoder = new SpeculativeDecoder({ target, drafter: shallow, ...stopping, now: steady() })
    const idle = await answer(decoder, long)
    const { stopChosenRate, meanStopThreshold } = decoder.metrics
    expect(stopChosenRate).toBeGreaterThan(0)
    expect(meanStopThreshold).toBeGreaterThan(0.2)
    expect(await answer({ ...stopping, now: busy(4) }, long)).toEqual(idle)
    const [fixed, hurried] = [
      { ...stopping, draftLength: 4, now: steady() },
      { ...stopping, draftLength: 4, now: busy(5) },
    ]
    expect(await answer(hurried, long)).toEqual(await answer(fixed, long))
    const ofItsOwn = { target, drafter: shallow, draftLength: fixedDraftLength(4), draftStop: 'auto' as const }
    expect(() => new SpeculativeDecoder(ofItsOwn)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })

  it('depends on the costs that are given with the decoder, and on nothing measured in their place', async () => {
    const dear = { draftSeconds: 5, targetSeconds: [{ rows: 1, seconds: 1 }] }
    const plainly = await answer({ costs: dear, now: busy(1) }, sampled)
    expect(Math.max(...plainly.lengths.slice(0, 30))).toBe(0)
    expect(await answer({ costs: dear, now: steady() }, sampled)).toEqual(plainly)
  })

  it('may go by the clock where nobody asks for the same tokens', async () => {
    const free = { ...sampled, reproducible: false }
    const [idle, loaded] = [await answer({ now: steady() }, free), await answer({ now: busy(1) }, free)]
    expect(loaded.lengths).not.toEqual(idle.lengths)
  })
})

describe('a greedy answer', () => {
  it('has the same bits under every draft length, policy and clock', async () => {
    const greedy = { maxTokens: 40, logProbabilities: 2 }
    const plain = await answer({ draftLength: 0 }, greedy)
    const random = numbers(5)
    const anyhow: DraftLengthPolicy = {
      next: (offers) => fixedDraftLength(random() % 16).next(offers),
      observe: () => {},
    }
    for (const options of [
      { draftLength: 1 },
      { draftLength: 5, verification: 'token' as const },
      { draftLength: 15 },
      { draftLength: anyhow },
      { now: steady() },
      { now: busy(1) },
    ]) {
      const { tokens, scored } = await answer(options, { ...greedy, seed: 3 })
      expect(tokens).toEqual(plain.tokens)
      expect(scored).toEqual(plain.scored)
    }
  })
})
