import type { Device } from '@outrider/tensor'
import { likeGpu } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import {
  createDraft,
  Decoder,
  generate,
  loadCausalLM,
  type PretrainedModel,
  pretrainedModel,
} from '@outrider/transformer'
import { afterAll, beforeAll, expect, it } from 'vitest'
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

it('with the kernels of GPUs, a greedy answer is the plain one bit by bit', async () => {
  const prompt = [5, 12, 19, 26]
  const options = { maxTokens: 4, logProbabilities: 1 }
  const answer = generate(target, prompt, options)
  const plain = []
  for await (const { scored } of answer) plain.push(scored)
  const { tokens } = await answer.result
  for (const how of [
    { draftLength: 3 },
    { draftLength: 3, draftStop: { confidence: 0.5 } },
  ] satisfies Partial<SpeculativeDecoderOptions>[]) {
    const speculated = new SpeculativeDecoder({ target, drafter: draft, ...how }).generate(prompt, options)
    const scored = []
    for await (const block of speculated) scored.push(...block.scored!)
    expect((await speculated.result).tokens).toEqual(tokens)
    expect(scored).toEqual(plain)
  }
})
