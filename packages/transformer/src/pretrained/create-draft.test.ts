import { describe, expect, it } from 'vitest'
import { parseConfig } from '../config/index'
import { draftConfig } from './create-draft'

const target = parseConfig({
  model_type: 'llama',
  vocab_size: 64,
  hidden_size: 32,
  intermediate_size: 64,
  num_hidden_layers: 2,
  num_attention_heads: 4,
})

describe('draftConfig', () => {
  it.each([
    ['layers', { layers: 1e9, hiddenSize: 32 }],
    ['hiddenSize', { layers: 1, hiddenSize: 2 ** 40 }],
    ['heads', { layers: 1, hiddenSize: 2 ** 16, heads: 2 ** 14 }],
    ['intermediateSize', { layers: 1, hiddenSize: 32, intermediateSize: 2 ** 40 }],
  ])('refuses %s beyond any model, before anything is made', (name, options) => {
    expect(() => draftConfig(target, options)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(`${name} is beyond`) }),
    )
  })
})
