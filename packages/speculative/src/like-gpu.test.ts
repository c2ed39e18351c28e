import type { Device } from '@outrider/tensor'
import { likeGpu } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { Decoder, generate, loadCausalLM, type PretrainedModel, pretrainedModel } from '@outrider/transformer'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { SpeculativeDecoder, type SpeculativeDecoderOptions } from './decoder'

let device: Device
let target: PretrainedModel
/** The target without its last two layers, over two ids of three. */
let draft: PretrainedModel

beforeAll(async () => {
  device = await likeGpu()
  target = await loadCausalLM(testData('stories260K'), { device })
  const { config, model } = target
  const coveredIds = Array.from({ length: config.vocabularySize }, (_, id) => id).filter((id) => id % 3 !== 0)
  const upper = { ...config, layers: config.layers - 2, coveredIds }
  draft = pretrainedModel(new Decoder(device, upper, model.parameters), target)
})
afterAll(() => {
  target?.dispose()
  device?.dispose()
})

// Sequences are read by other kernels from 256 positions on: the answer to the long prompt begins before and ends behind.
it.each([4, 247])(
  'with the kernels of GPUs, a greedy answer to %i tokens is the plain one bit by bit',
  async (length) => {
    const prompt = Array.from({ length }, (_, i) => 5 + ((i * 7) % 500))
    const options = { maxTokens: 16, logProbabilities: 1 }
    const answer = generate(target, prompt, options)
    const plain = []
    for await (const { scored } of answer) plain.push(scored)
    const { tokens } = await answer.result
    for (const how of [
      { draftLength: 3 },
      { draftLength: 7, draftStop: { confidence: 0.5 } },
    ] satisfies Partial<SpeculativeDecoderOptions>[]) {
      const speculated = new SpeculativeDecoder({ target, drafter: draft, ...how }).generate(prompt, options)
      const scored = []
      for await (const block of speculated) scored.push(...block.scored!)
      expect((await speculated.result).tokens).toEqual(tokens)
      expect(scored).toEqual(plain)
    }
  },
)
