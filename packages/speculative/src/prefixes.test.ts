import type { Device } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import {
  type CausalLM,
  Decoder,
  loadCausalLM,
  PrefixCache,
  type PretrainedModel,
  pretrainedModel,
} from '@outrider/transformer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SpeculativeBatch } from './batch/speculative-batch'
import { SpeculativeDecoder } from './decoder'
import { modelDrafter } from './drafter/model-drafter'
import { asParallelDraft } from './drafter/parallel-draft.fixture'

let device: Device
let whole: PretrainedModel
/** Its first layers; of which the draft has the first. */
let target: PretrainedModel
let parallel: PretrainedModel
beforeAll(async () => {
  device = await testDevice()
  whole = await loadCausalLM(testData('stories260K'), { device })
  const { model, config } = whole
  target = pretrainedModel(new Decoder(device, { ...config, layers: 2 }, model.parameters), whole)
  parallel = asParallelDraft(whole, { layers: 1 })
})
afterAll(() => {
  for (const model of [parallel, whole]) model?.dispose()
})

const text = (length: number, stream = 0) => Array.from({ length }, (_, i) => 5 + ((i * 7 + stream) % 300))
/** Of a conversation; the last of two whole blocks and a token, so that one row is left to be read. */
const turns = [text(150), [...text(150), ...text(60, 4)], [...text(150), ...text(43, 4)]]
const given = [0, 128, 192]

/** A model that counts the rows of its passes over more than a draft has. */
function watched(model: CausalLM): { watched: CausalLM; rows: () => number } {
  let rows = 0
  const forward: CausalLM['forward'] = (tokens, options) => {
    if (tokens.shape[1]! > 16) rows += tokens.shape[1]!
    return model.forward(tokens, options)
  }
  const { config, parameterCount } = model
  const createCache: CausalLM['createCache'] = (options) => model.createCache(options)
  return { watched: { device, config, parameterCount, createCache, forward, dispose() {} }, rows: () => rows }
}

describe.each(['token by token', 'in one pass'])('prefixes of a pair whose draft is made %s', (way) => {
  it('change no block, greedy or drawn, alone or in a batch, and the draft reads only what is new', async () => {
    const { model, config } = target
    const shallow = new Decoder(device, { ...config, layers: 1 }, model.parameters)
    const counted = watched(way === 'in one pass' ? parallel.model : shallow)
    const drafter = modelDrafter(counted.watched)
    const before = device.memory.liveBytes
    for (const sampling of [
      { temperature: 0, draftLength: 3 },
      { temperature: 0.8, topP: 0.95, seed: 7, draftLength: 5 },
    ]) {
      using alone = new PrefixCache()
      using shared = new PrefixCache()
      const batches = [undefined, 1e-6].map(
        (maxStepSeconds) => new SpeculativeBatch({ target, drafter, ...(maxStepSeconds && { maxStepSeconds }) }),
      )
      const { draftLength, ...drawing } = sampling
      const options = { ...drawing, maxTokens: 6, logProbabilities: 1 }
      for (const [turn, prompt] of turns.entries()) {
        const decode = async (more: object) => {
          const begun = counted.rows()
          const stream = new SpeculativeDecoder({ target, drafter, draftLength }).generate(prompt, {
            ...options,
            ...more,
          })
          const blocks = []
          for await (const block of stream) blocks.push(block)
          return { blocks, cached: (await stream.result).cachedTokens, rows: counted.rows() - begun }
        }
        const whole = await decode({})
        const kept = await decode({ prefixes: alone.of() })
        expect(kept.blocks).toEqual(whole.blocks)
        expect([whole.cached, kept.cached]).toEqual([0, given[turn]])
        // The draft was given as many, and kept them.
        expect(whole.rows - kept.rows).toBe(given[turn])
        for (const [i, batch] of batches.entries()) {
          const sequence = batch.join(prompt, { ...options, draftLength, prefixes: shared.of() })
          const blocks = []
          while (batch.count > 0) for (const { sequence: _, ...block } of await batch.step()) blocks.push(block)
          expect(blocks).toEqual(whole.blocks)
          // The second has what the first has just read.
          expect(sequence.cachedTokens).toBe(i === 0 ? given[turn] : prompt.length - 1 - ((prompt.length - 1) % 64))
        }
      }
      for (const batch of batches) batch.dispose()
    }
    expect(device.memory.liveBytes).toBe(before)
  })
})
