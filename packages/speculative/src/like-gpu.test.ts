import type { Device } from '@outrider/tensor'
import { likeGpu } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import {
  createDraft,
  Decoder,
  generate,
  loadCausalLM,
  longSequence,
  PrefixCache,
  type PretrainedModel,
  pretrainedModel,
} from '@outrider/transformer'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { SpeculativeBatch } from './batch/speculative-batch'
import { SpeculativeDecoder, type SpeculativeDecoderOptions } from './decoder'

let device: Device
let target: PretrainedModel
/** Its first layer, over two ids of three. */
let draft: PretrainedModel

beforeAll(async () => {
  device = await likeGpu()
  const stories = await loadCausalLM(testData('stories260K'), { device })
  target = createDraft(stories, { layers: 2, hiddenSize: 16, seed: 1 })
  stories.dispose()
  const { config, model } = target
  const coveredIds = Array.from({ length: config.vocabularySize }, (_, id) => id).filter((id) => id % 3 !== 0)
  draft = pretrainedModel(new Decoder(device, { ...model.config, layers: 1, coveredIds }, model.parameters), target)
})
afterAll(() => {
  target?.dispose()
  device?.dispose()
})

/** By these no draft step is left out. */
const stepsForNothing = { draftSeconds: 0.1, skippedSeconds: 0.1, targetSeconds: [{ rows: 1, seconds: 1 }] }
type Drafting = Partial<SpeculativeDecoderOptions>
const whole: Drafting = { draftLength: 3 }
const stopping: Drafting = { draftLength: 3, draftStop: { confidence: 0.5 } }

it.each<[string, { length: number; maxTokens: number; ways: Drafting[] }]>([
  [
    'after a short prompt',
    { length: 4, maxTokens: 4, ways: [whole, stopping, { ...stopping, costs: stepsForNothing }] },
  ],
  [
    'over the length from which on sequences have kernels of their own',
    { length: longSequence - 3, maxTokens: 7, ways: [whole, stopping] },
  ],
])(
  'with the kernels of GPUs, a greedy answer is the plain one bit by bit, %s',
  async (_, { length, maxTokens, ways }) => {
    const prompt = Array.from({ length }, (_, i) => 5 + ((7 * i) % 400))
    const options = { maxTokens, logProbabilities: 1 }
    const answer = generate(target, prompt, options)
    const plain = []
    for await (const { scored } of answer) plain.push(scored)
    const { tokens } = await answer.result
    for (const how of ways) {
      const speculated = new SpeculativeDecoder({ target, drafter: draft, ...how }).generate(prompt, options)
      const scored = []
      for await (const block of speculated) scored.push(...block.scored!)
      expect((await speculated.result).tokens).toEqual(tokens)
      expect(scored).toEqual(plain)
    }
  },
)

it('with the kernels of GPUs, a greedy answer has the bits that it has alone among others that speculate, 24 rows a pass', async () => {
  using batch = new SpeculativeBatch({ target, drafter: draft })
  const options = { maxTokens: 8, logProbabilities: 1 }
  const prompts = [4, 7, 9].map((first) => [first, first + 3, first + 5])
  const members = prompts.map((prompt) => batch.join(prompt, { ...options, draftLength: 7 }))
  const scored = new Map(members.map((member) => [member, [] as unknown[]]))
  while (batch.count > 0)
    for (const { sequence, scored: more = [] } of await batch.step()) scored.get(sequence)!.push(...more)
  for (const [i, prompt] of prompts.entries()) {
    const alone = []
    for await (const token of generate(target, prompt, options)) alone.push(token.scored)
    expect(scored.get(members[i]!)).toEqual(alone)
  }
})

it('with the kernels of GPUs, an answer has the same bits where what its prompt begins with was read for another', async () => {
  using prefixes = new PrefixCache()
  const prompt = Array.from({ length: longSequence - 3 }, (_, i) => 5 + ((7 * i) % 400))
  const options = { maxTokens: 7, logProbabilities: 1 }
  const told = async (more: object) => {
    const stream = new SpeculativeDecoder({ target, drafter: draft, ...whole }).generate(prompt, {
      ...options,
      ...more,
    })
    const blocks = []
    for await (const block of stream) blocks.push(block)
    return { blocks, cached: (await stream.result).cachedTokens }
  }
  const { blocks } = await told({})
  expect(await told({ prefixes: prefixes.of() })).toEqual({ blocks, cached: 0 })
  expect(await told({ prefixes: prefixes.of() })).toEqual({ blocks, cached: 192 })
})
