import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { type AnswerRequest, createDraft, generate, loadCausalLM, type PretrainedModel } from '@outrider/transformer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SpeculativeDecoder } from '../decoder'
import { declaredCosts } from '../draft-length/declared-costs'
import { promptLookup } from '../drafter/prompt-lookup'
import { type DraftedAnswers, draftedAnswers } from './drafted-answers'

let target: PretrainedModel
const lookup = { drafter: promptLookup(), identity: { lookup: true } }

beforeAll(async () => {
  target = await loadCausalLM(testData('stories260K'), { device: await testDevice() })
})
afterAll(() => target?.dispose())

/** Two prompts, each greedily and drawn, of answers of unequal length. */
function grid(): (AnswerRequest & { i: number })[] {
  return ['One day, one day, one', 'The dog and the dog and'].flatMap((text, p) =>
    [0, 0.7, 1].map((temperature, t) => ({
      ...{ i: 3 * p + t, prompt: [...target.tokenizer.encode(text)], temperature, topP: 0.9 },
      ...{ seed: 7 + 3 * p + t, maxTokens: 8 + 5 * ((p + t) % 3) },
    })),
  )
}

async function answersOf(drafted: DraftedAnswers, requests = grid(), size = 4) {
  const answers = new Map<number, number[]>()
  const counts = { read: 0, generated: 0 }
  const onTokens = ({ read, generated }: { read: number; generated: number }) => {
    counts.read += read
    counts.generated += generated
  }
  for await (const { request, answer } of drafted.answerEach(target, requests, { size, onTokens }))
    answers.set(request.i, answer.tokens)
  return { answers: requests.map(({ i }) => answers.get(i)!), counts }
}

describe('answers to many requests with a draft', () => {
  it('are greedily those without one, and drawn those that the seed gives alone; a prompt is read once', async () => {
    const { memory } = target.model.device
    const before = memory.liveBytes
    const drafted = draftedAnswers({ ...lookup, draftLength: 4 })
    const { answers, counts } = await answersOf(drafted)
    expect(memory.liveBytes).toBe(before)
    const decoder = new SpeculativeDecoder({ target, drafter: lookup.drafter, draftLength: 4 })
    const requests = grid()
    for (const [i, { prompt, ...options }] of requests.entries()) {
      const { tokens } = await decoder.generate(prompt, options).result
      expect(answers[i]).toEqual(tokens)
      if (options.temperature === 0) expect((await generate(target, prompt, options).result).tokens).toEqual(tokens)
    }
    const { numTargetPasses, numDeliveredTokens, numDraftTokens, numAcceptedTokens } = decoder.metrics
    expect(numAcceptedTokens).toBeGreaterThan(5)
    expect(drafted.metrics).toMatchObject({ numTargetPasses, numDeliveredTokens, numDraftTokens, numAcceptedTokens })
    expect(counts).toEqual({
      read: requests[0]!.prompt.length + requests[3]!.prompt.length,
      generated: answers.flat().length,
    })
  })

  it('are drawn by no clock where γ is chosen, and have the greedy bits under any', async () => {
    const began = performance.now()
    // What is measured here says that no draft pays, and what is declared that looking up does.
    const steep = [1, 16].map((rows) => ({ rows, seconds: rows ** 2 }))
    const drafted = draftedAnswers({ ...lookup, costs: { draftSeconds: 0, targetSeconds: steep } })
    const { answers } = await answersOf(drafted)
    const { isSoftware } = target.model.device
    const costs = declaredCosts({ parameterRatio: 0, isSoftware, sequences: 4 })
    const decoder = new SpeculativeDecoder({ target, drafter: lookup.drafter, costs })
    for (const [i, { prompt, ...options }] of grid().entries()) {
      const alone = options.temperature! > 0 ? decoder.generate(prompt, options) : generate(target, prompt, options)
      expect(answers[i]).toEqual((await alone.result).tokens)
    }
    expect(decoder.metrics.numDraftTokens).toBeGreaterThan(0)
    // Steps are shared: their seconds are not counted for each who is in them.
    expect(drafted.metrics!.seconds).toBeLessThan((performance.now() - began) / 1000)
    expect(drafted.metrics!.seconds).toBeGreaterThan(0)
  })

  it('are known by all that they are drawn with: the weights, γ, where drafts stop, the rule, and for γ "auto" how many there are', async () => {
    const drafts = [1, 2].map((seed) => createDraft(target, { layers: 1, hiddenSize: 16, seed }))
    const known = (options: Partial<Parameters<typeof draftedAnswers>[0]> = {}, size?: number) =>
      draftedAnswers({ drafter: drafts[0]!, draftLength: 3, ...options }).identity(target, size ? { size } : {})
    const usual = await known()
    expect(await known({}, 2)).toEqual(usual)
    const others = await Promise.all([
      known({ drafter: drafts[1]! }),
      known({ draftLength: 4 }),
      known({ verification: 'token' }),
      known({ draftStop: { confidence: 0.4 } }),
      known({ draftLength: 'auto' }),
      known({ draftLength: 'auto' }, 2),
      known(lookup),
      known({ ...lookup, identity: { lookup: false } }),
    ])
    expect(new Set([usual, ...others].map((one) => JSON.stringify(one))).size).toBe(9)
    for (const draft of drafts) draft.dispose()
  })

  it('are refused of a drafter that nobody knows, and of a γ that is none', () => {
    const refused = expect.objectContaining({ code: 'INVALID_ARGUMENT' })
    expect(() => draftedAnswers({ drafter: promptLookup() })).toThrow(refused)
    expect(() => draftedAnswers({ ...lookup, draftLength: 16 })).toThrow(refused)
  })
})
