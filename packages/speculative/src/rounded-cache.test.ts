import { readFileSync } from 'node:fs'
import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { Decoder, generate, loadCausalLM, PrefixCache, pretrainedModel } from '@outrider/transformer'
import { describe, expect, it } from 'vitest'
import { tinyModel } from '../../transformer/src/pretrained/tiny-model.fixture'
import { SpeculativeBatch } from './batch/speculative-batch'
import { SpeculativeDecoder } from './decoder'
import { modelDrafter } from './drafter/model-drafter'

const assets = testData('stories260K')
const { cases } = JSON.parse(readFileSync(`${assets}/reference.json`, 'utf8')) as { cases: { ids: number[] }[] }

describe('speculation with caches that round', () => {
  it('says what plain decoding with such a cache says, to the id', async () => {
    const device = await testDevice()
    const target = await loadCausalLM(assets, { device, cacheDtype: 'f16' })
    const { config, model } = target
    const upper = { ...config, layers: config.layers - 1 }
    const shallow = new Decoder(device, upper, model.parameters, { cacheDtype: 'f16' }) // often right, not always
    const decoder = new SpeculativeDecoder({ target, drafter: pretrainedModel(shallow, target), draftLength: 4 })
    for (const { ids } of cases.slice(0, 2)) {
      const plain = await generate(target, ids, { maxTokens: 40 }).result
      expect((await decoder.generate(ids, { maxTokens: 40 }).result).tokens).toEqual(plain.tokens)
    }
    const { num_accepted_tokens: accepted, num_draft_tokens: drafted } = decoder.metrics.toJSON()
    expect(accepted).toBeGreaterThan(0)
    expect(accepted).toBeLessThan(drafted)
    model.dispose()
  })

  it('does so with caches of q8_0, from what is kept of a prompt, and in a batch', async () => {
    const device = await testDevice()
    const sizes = { layers: 2, heads: 2, kvHeads: 1, headDim: 32, contextLength: 128, initializerRange: 0.6 }
    const random = tinyModel(device, { ...sizes, seed: 5 })
    const { config, model } = random
    const of = (layers: number) => new Decoder(device, { ...config, layers }, model.parameters, { cacheDtype: 'q8_0' })
    const target = pretrainedModel(of(2), random)
    const drafter = modelDrafter(of(1))
    const prompt = Array.from({ length: 70 }, (_, i) => (i * 7) % 250)
    const before = device.memory.liveBytes
    const { tokens } = await generate(target, prompt, { maxTokens: 24 }).result
    const wide = await generate(random, prompt, { maxTokens: 24 }).result
    expect(tokens).not.toEqual(wide.tokens)
    const decoder = new SpeculativeDecoder({ target, drafter, draftLength: 4 })
    const prefixes = new PrefixCache()
    for (const cached of [0, 64]) {
      const answer = await decoder.generate(prompt, { maxTokens: 24, prefixes: prefixes.of() }).result
      expect([answer.tokens, answer.cachedTokens]).toEqual([tokens, cached])
    }
    const { num_accepted_tokens: accepted, num_draft_tokens: drafted } = decoder.metrics.toJSON()
    expect(accepted).toBeGreaterThan(0)
    expect(accepted).toBeLessThan(drafted)
    const batch = new SpeculativeBatch({ target, drafter, size: 3 })
    const joined = [4, 0, 2].map((draftLength) =>
      batch.join(prompt, { maxTokens: 24, draftLength, prefixes: prefixes.of() }),
    )
    while (batch.count > 0) await batch.step()
    for (const { answer } of joined) expect(answer.tokens).toEqual(tokens)
    for (const held of [batch, prefixes]) held.dispose()
    expect(device.memory.liveBytes).toBe(before)
    model.dispose()
  })
})
