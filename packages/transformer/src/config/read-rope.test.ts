import { describe, expect, it } from 'vitest'
import type { FileWarning } from '../files/file-warning'
import { parseConfig } from './parse-config'

const sizes = {
  vocab_size: 1000,
  hidden_size: 64,
  intermediate_size: 160,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
}

const read = (json: object) => {
  const warnings: FileWarning[] = []
  const config = parseConfig({ ...sizes, model_type: 'qwen3', ...json }, 'm/config.json', (warning) =>
    warnings.push(warning),
  )
  return { theta: config.ropeTheta, scaling: config.ropeScaling, keys: warnings.flatMap(({ keys }) => keys) }
}

const plain = { rope_type: 'default', rope_theta: 500 }
const slow = { rope_type: 'default', rope_theta: 1e6 }

// Which of the forms wins is compared with transformers in transformers-configs.test.ts.
describe('rotary positions by layer type', () => {
  it('are one set where the layers that are there have one', () => {
    expect(read({ rope_parameters: { full_attention: plain, sliding_attention: slow } }).theta).toBe(500)
    const window = { use_sliding_window: true, sliding_window: 8, max_window_layers: 0 }
    expect(read({ ...window, rope_parameters: { full_attention: plain, sliding_attention: slow } }).theta).toBe(1e6)
    const layer_types = ['full_attention', 'full_attention']
    expect(
      read({ layer_types, rope_parameters: { full_attention: { ...plain, rope_type: 'linear', factor: 2 } } }),
    ).toEqual({
      theta: 500,
      scaling: { type: 'linear', factor: 2 },
      keys: [],
    })
  })

  it('are refused by name where layers differ, or one has none', () => {
    // Layers of both kinds are read where the window is no shorter than the context.
    const both = {
      layer_types: ['full_attention', 'sliding_attention'],
      ...{ use_sliding_window: true, sliding_window: 64, max_position_embeddings: 64 },
    }
    const differ = { full_attention: plain, sliding_attention: slow }
    expect(() => read({ ...both, rope_parameters: differ })).toThrow(/rotary positions that differ between layers/)
    expect(read({ ...both, rope_parameters: { full_attention: plain, sliding_attention: plain } }).theta).toBe(500)
    expect(() => read({ rope_parameters: { sliding_attention: slow } })).toThrow(/full_attention is missing/)
  })
})

describe('rotary positions', () => {
  it('of a kind that is not computed are refused by the name of the kind', () => {
    for (const type of ['dynamic', 'yarn', 'longrope', 'su', 'mrope', 'proportional', 'LLAMA3', 7])
      for (const json of [{ rope_scaling: { type, factor: 2 } }, { rope_parameters: { rope_type: type, factor: 2 } }])
        expect(() => read(json)).toThrow(new RegExp(`rotary scaling of type ${JSON.stringify(type)} is not supported`))
  })

  it('tell of keys that are of no meaning to their kind', () => {
    expect(
      read({ rope_parameters: { ...plain, factor: 8, mrope_section: [2, 3, 3], attention_factor: null } }).keys,
    ).toEqual(['rope_parameters.factor', 'rope_parameters.mrope_section'])
    expect(read({ rope_scaling: { type: 'linear', factor: 2, beta_fast: 32 } }).keys).toEqual([
      'rope_scaling.beta_fast',
    ])
  })

  it.each([
    [{ rope_scaling: { factor: 2 } }, /rope_scaling: rope_type is missing/],
    [{ rope_parameters: { rope_type: 'linear' } }, /rope_parameters: factor is missing/],
    [{ rope_parameters: { rope_type: 'linear', factor: Number.NaN } }, /rope_parameters: factor is NaN/],
    [
      { rope_parameters: { rope_type: 'llama3', factor: 8, low_freq_factor: 4, high_freq_factor: 4 } },
      /high_freq_factor is 4; it must be more than low_freq_factor \(4\)/,
    ],
    [{ rope_parameters: { ...plain, rope_theta: 'many' } }, /rope_parameters: rope_theta is "many"/],
    [{ rope_parameters: [1] }, /rope_parameters is \[1\]/],
  ])('without their numbers are refused by the field: %o', (json, message) => {
    expect(() => read(json)).toThrow(message)
    expect(() => read(json)).toThrow(expect.objectContaining({ code: 'FILE_FORMAT' }))
  })
})
