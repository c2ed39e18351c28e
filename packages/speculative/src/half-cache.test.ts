import { readFileSync } from 'node:fs'
import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { Decoder, generate, loadCausalLM, pretrainedModel } from '@outrider/transformer'
import { describe, expect, it } from 'vitest'
import { SpeculativeDecoder } from './decoder'

const assets = testData('stories260K')
const { cases } = JSON.parse(readFileSync(`${assets}/reference.json`, 'utf8')) as { cases: { ids: number[] }[] }

describe('speculation with caches of f16', () => {
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
})
