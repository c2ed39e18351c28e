import { describe, expect, it } from 'vitest'
import type { FileWarning } from '../files/file-warning'
import { parseGenerationConfig } from './generation-config'
import { parseConfig } from './parse-config'

const llama = {
  model_type: 'llama',
  vocab_size: 100,
  hidden_size: 64,
  intermediate_size: 160,
  num_hidden_layers: 2,
  num_attention_heads: 4,
}

const read = (json: object) => {
  const warnings: FileWarning[] = []
  const config = parseConfig({ ...llama, ...json }, 'm/config.json', (warning) => warnings.push(warning))
  return { ids: [config.bosTokenId, config.eosTokenIds, config.padTokenId], warnings }
}

describe('ids of special tokens', () => {
  it.each([
    ["absent ones, which are the family's", {}, [1, [2], undefined]],
    ['absent ones of a Qwen', { model_type: 'qwen2' }, [undefined, [], undefined]],
    ['absent ones beyond the vocabulary', { model_type: 'phi3' }, [1, [], undefined]],
    ['null', { bos_token_id: null, eos_token_id: null, pad_token_id: null }, [undefined, [], undefined]],
    ['-1', { bos_token_id: -1, eos_token_id: -1, pad_token_id: -1 }, [undefined, [], undefined]],
    ['lists', { bos_token_id: [3], eos_token_id: [4, -1, 5, 4, null], pad_token_id: [] }, [3, [4, 5], undefined]],
  ])('are read from %s', (_, json, ids) => {
    expect(read(json)).toEqual({ ids, warnings: [] })
  })

  it('beyond the vocabulary are passed over and told of once', () => {
    const { ids, warnings } = read({ bos_token_id: 100, eos_token_id: [2, 32_000], pad_token_id: 99 })
    expect(ids).toEqual([undefined, [2], 99])
    expect(warnings.map(({ message }) => message)).toEqual([
      'm/config.json: beyond the vocabulary of 100, and ignored: bos_token_id and eos_token_id.',
    ])
  })

  it.each([
    { bos_token_id: [1, 2] },
    { pad_token_id: '<pad>' },
    { eos_token_id: [2, 'x'] },
    { eos_token_id: 2.5 },
    { eos_token_id: true },
  ])('are refused by name where they are no ids: %o', (json) => {
    expect(() => read(json)).toThrow(new RegExp(`m/config.json: ${Object.keys(json)[0]} is .*; it must be`))
  })

  it('of generation_config.json are none below 0, too, and so is top_k', () => {
    const model = parseConfig({ ...llama, eos_token_id: -1 })
    const json = { bos_token_id: -1, eos_token_id: [-1], pad_token_id: -1, top_k: -1 }
    expect(parseGenerationConfig(json, model)).toEqual({ bosTokenId: 1, eosTokenIds: [], topK: 0 })
    expect(parseGenerationConfig({ eos_token_id: [7, -1] }, model).eosTokenIds).toEqual([7])
  })
})
