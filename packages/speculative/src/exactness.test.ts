import type { Device } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import type { SamplingOptions } from '@outrider/transformer'
import { beforeAll, describe, expect, it } from 'vitest'
import { SpeculativeDecoder } from './decoder'
import { answerLookup } from './drafter/answer-lookup'
import { AnswerTable } from './drafter/answer-table'
import type { DraftStop } from './drafter/draft-stop'
import type { Drafter } from './drafter/drafter'
import { firstOf } from './drafter/first-of'
import { modelDrafter } from './drafter/model-drafter'
import { promptLookup } from './drafter/prompt-lookup'
import type { SpeculationMetrics } from './metrics'
import { chiSquareScore, referenceDistribution } from './reference-distribution.fixture'
import { letters, TableModel } from './table-model.fixture'
import type { Verification } from './verification/by-name'
import { cautiousVerification } from './verification/cautious.fixture'

let device: Device
beforeAll(async () => {
  device = await testDevice()
})

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
const prompt = [0, 1, 2, 3, 0, 1]
const length = 5
const samples = 500

/** Samples answers and compares their counts with the law of the target's table. */
async function score(
  drafter: TableModel | Drafter,
  verification: Verification,
  sampling: SamplingOptions,
): Promise<{ score: number; accepted: number; metrics: SpeculationMetrics }> {
  const model = new TableModel(device, target)
  const decoder = new SpeculativeDecoder({
    target: letters(model),
    drafter: drafter instanceof TableModel ? letters(drafter) : drafter,
    draftLength: 3,
    verification,
  })
  const observed = new Map<string, number>()
  for (let seed = 0; seed < samples; seed++) {
    let answer = ''
    for await (const { text } of decoder.generate(prompt, { ...sampling, maxTokens: length, seed })) answer += text
    observed.set(answer, (observed.get(answer) ?? 0) + 1)
  }
  model.dispose()
  const { metrics } = decoder
  return { score: chiSquareScore(observed, law(sampling)), accepted: metrics.numAcceptedTokens, metrics }
}

/** The probability of every answer. */
function law(sampling: SamplingOptions): Map<string, number> {
  const rows = target.map((logits) => referenceDistribution(logits, sampling))
  let answers = new Map([['', { probability: 1, last: prompt.at(-1)! }]])
  for (let i = 0; i < length; i++)
    answers = new Map(
      [...answers].flatMap(([text, { probability, last }]) =>
        rows[last]!.map(
          (p, x) => [text + String.fromCharCode(97 + x), { probability: probability * p, last: x }] as const,
        ),
      ),
    )
  return new Map([...answers].map(([text, { probability }]) => [text, probability]))
}

describe("sampled answers follow the target's law (χ²)", () => {
  it.each<[Verification, SamplingOptions]>([
    ['token', { temperature: 1 }],
    ['block', { temperature: 1 }],
    ['block', { temperature: 0.7, topK: 3 }],
    ['block', { temperature: 1.5, topP: 0.8 }],
    ['token', { temperature: 1.2, topK: 3, topP: 0.7 }],
  ])('%s verification, %o', async (verification, sampling) => {
    const drafter = new TableModel(device, draft)
    const { score: z, accepted } = await score(drafter, verification, sampling)
    expect(accepted).toBeGreaterThan(samples / 2)
    expect(z).toBeLessThan(3)
    drafter.dispose()
  })

  it.each<[Verification, DraftStop, SamplingOptions]>([
    ['token', { confidence: 0.4 }, { temperature: 1 }],
    ['block', { confidence: 0.4 }, { temperature: 0.7, topK: 3 }],
    ['block', { acceptance: 0.47 }, { temperature: 1.2, topP: 0.9 }],
    [cautiousVerification, { confidence: 0.4 }, { temperature: 1 }],
  ])('a draft that stops early, %o verification, %o, %o', async (verification, stop, sampling) => {
    const model = new TableModel(device, draft)
    const { score: z, accepted, metrics } = await score(modelDrafter(model, { stop }), verification, sampling)
    expect(accepted).toBeGreaterThan(samples / 4)
    expect(z).toBeLessThan(3)
    // Tokens behind the end count nowhere.
    expect(metrics.numDraftTokens).toBeLessThan(2.7 * metrics.numDrafts)
    expect(metrics.numReachedTokensPerPos[2] ?? 0).toBeLessThan(metrics.numReachedTokensPerPos[0]!)
    model.dispose()
  })

  it.each<[Verification, SamplingOptions, number[]?]>([
    ['token', { temperature: 1 }],
    ['block', { temperature: 0.7, topK: 3 }],
    ['block', { temperature: 1.2, topP: 0.9 }, [0, 1, 3]],
  ])('a parallel draft, %s verification, %o, of the ids %o', async (verification, sampling, coveredIds) => {
    // A row more, and what it says of itself, which the target does not know.
    const table = [...draft, [0.4, 0.8, 0.5, 0.6]].map((row) => [...row, 1])
    const drafter = new TableModel(device, table, { maskTokenId: 4, ...(coveredIds && { coveredIds }) })
    const { score: z, accepted, metrics } = await score(drafter, verification, sampling)
    expect(accepted).toBeGreaterThan(samples / 2)
    expect(z).toBeLessThan(3)
    expect(metrics.numAcceptedTokensPerPos[2]).toBeGreaterThan(10)
    drafter.dispose()
  })

  it("a stranger's verification", async () => {
    const drafter = new TableModel(device, draft)
    const { score: z, accepted } = await score(drafter, cautiousVerification, { temperature: 1 })
    expect(accepted).toBeGreaterThan(samples / 4)
    expect(z).toBeLessThan(3)
    drafter.dispose()
  })

  it.each([
    ['longer', draft.map((row) => [...row, 3, 2])],
    ['shorter', draft.slice(0, 3).map((row) => row.slice(0, 3))],
  ])('a draft whose embedding is %s', async (_, table) => {
    const drafter = new TableModel(device, table)
    const { score: z } = await score(drafter, 'block', { temperature: 1 })
    expect(z).toBeLessThan(3)
    drafter.dispose()
  })

  it('and the first drafted token is accepted as often as α says', async () => {
    const drafter = new TableModel(device, draft)
    const { metrics } = await score(drafter, 'token', { temperature: 1 })
    const alpha = metrics.acceptanceRatePerPos[0]!
    const deviation = Math.sqrt((alpha * (1 - alpha)) / metrics.numDrafts)
    expect(Math.abs(metrics.numAcceptedTokensPerPos[0]! / metrics.numDrafts - alpha)).toBeLessThan(3 * deviation)
    drafter.dispose()
  })

  it('prompt lookup as the draft', async () => {
    const { score: z, accepted } = await score(promptLookup({ minNgram: 1 }), 'block', { temperature: 1 })
    expect(accepted).toBeGreaterThan(0)
    expect(z).toBeLessThan(3)
  })

  it.each<[Verification, SamplingOptions]>([
    ['token', { temperature: 1 }],
    ['block', { temperature: 0.8, topK: 3, topP: 0.9 }],
  ])('lookups before a model, %s verification, %o', async (verification, sampling) => {
    const model = new TableModel(device, draft)
    const answers = new AnswerTable({ vocabularySize: 4, fingerprint: 'four letters' })
    answers.add([2, 3, 2, 0])
    const drafter = firstOf(promptLookup({ minNgram: 2 }), answerLookup(answers), modelDrafter(model))
    const { score: z, metrics } = await score(drafter, verification, sampling)
    expect(metrics.drafters.map(({ drafter }) => drafter).sort()).toEqual(['answers', 'model', 'prompt'])
    for (const { numAcceptedTokens, numDraftTokens } of metrics.drafters) {
      expect(numAcceptedTokens).toBeGreaterThan(0)
      expect(numAcceptedTokens).toBeLessThan(numDraftTokens)
    }
    expect(z).toBeLessThan(3)
    model.dispose()
  })

  it('notices a law that is not the target’s', async () => {
    const biased = new Map([...law({ temperature: 1.3 })])
    const observed = new Map([...law({ temperature: 1 })].map(([text, p]) => [text, Math.round(p * samples)]))
    expect(chiSquareScore(observed, biased)).toBeGreaterThan(3)
  })
})
