import { describe, expect, it } from 'vitest'
import type { FileWarning } from '../files/file-warning'
import { configToJson, parseConfig } from './parse-config'

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

const yarn = { rope_type: 'yarn', factor: 8, original_max_position_embeddings: 1024 }
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

  it('are refused by name where layers differ in a family that does not compute it, or where one has none', () => {
    const both = { layer_types: ['full_attention', 'sliding_attention'], use_sliding_window: true, sliding_window: 8 }
    const differ = { full_attention: plain, sliding_attention: slow }
    expect(() => read({ ...both, rope_parameters: differ })).toThrow(/rotary positions that differ between layers/)
    expect(read({ ...both, rope_parameters: { full_attention: plain, sliding_attention: plain } }).theta).toBe(500)
    expect(() => read({ rope_parameters: { sliding_attention: slow } })).toThrow(/full_attention is missing/)
  })
})

describe('YaRN', () => {
  const scaling = (changes: object) =>
    read({ max_position_embeddings: 8192, rope_parameters: { ...yarn, ...changes } }).scaling

  it('has the magnitude of its paper unless the file says another, or scales of it', () => {
    expect(scaling({})).toMatchObject({ attentionFactor: 0.1 * Math.log(8) + 1, originalContextLength: 1024 })
    expect(scaling({ attention_factor: 0.8, mscale: 2, mscale_all_dim: 1 })).toMatchObject({ attentionFactor: 0.8 })
    expect(scaling({ mscale: 2, mscale_all_dim: 0.5 })).toMatchObject({
      attentionFactor: (0.2 * Math.log(8) + 1) / (0.05 * Math.log(8) + 1),
    })
    expect(scaling({ mscale: 2, mscale_all_dim: 0 })).toMatchObject({ attentionFactor: 0.1 * Math.log(8) + 1 })
    expect(scaling({ factor: 0.5 })).toMatchObject({ attentionFactor: 1 })
  })

  it('has the bounds of its paper unless the file says others, and a factor of its lengths where it is null', () => {
    expect(scaling({})).toMatchObject({ betaFast: 32, betaSlow: 1, truncate: true })
    expect(scaling({ beta_fast: 16, beta_slow: 0.5, truncate: false })).toMatchObject({
      ...{ betaFast: 16, betaSlow: 0.5, truncate: false },
    })
    expect(scaling({ factor: null, original_max_position_embeddings: 2048 })).toMatchObject({ factor: 4 })
  })
})

describe('LongRoPE', () => {
  const factors = { rope_type: 'longrope', short_factor: [1, 1, 1, 1], long_factor: [2, 2, 2, 2] }
  const phi3 = { model_type: 'phi3', max_position_embeddings: 16_384, partial_rotary_factor: 0.5 }

  it('takes its length and its factor from the file, or from the family', () => {
    const scaling = (json: object) => read({ ...phi3, rope_parameters: factors, ...json }).scaling
    const magnitude = (factor: number, length: number) => Math.sqrt(1 + Math.log(factor) / Math.log(length))
    expect(scaling({})).toMatchObject({ originalContextLength: 4096, attentionFactor: magnitude(4, 4096) })
    expect(scaling({ original_max_position_embeddings: 1024 })).toMatchObject({
      ...{ originalContextLength: 1024, attentionFactor: magnitude(16, 1024) },
    })
    expect(scaling({ rope_parameters: { ...factors, factor: 9 } })).toMatchObject({
      attentionFactor: magnitude(9, 4096),
    })
    expect(scaling({ max_position_embeddings: 4096 })).toMatchObject({ attentionFactor: 1 })
  })

  it('is refused where its factors are of another number than the pairs that are turned', () => {
    for (const short_factor of [[1, 1, 1], [1, 1, 1, 0], [1, 1, 1, '1'], null, 1])
      expect(() => read({ ...phi3, rope_parameters: { ...factors, short_factor } })).toThrow(
        /short_factor is .*; it must be a list of 4 positive numbers/,
      )
  })
})

describe('heads that are turned in part', () => {
  it('are refused by the share where it makes no whole pairs', () => {
    const turned = (partial_rotary_factor: unknown) => () => read({ model_type: 'phi3', partial_rotary_factor })
    expect(turned(0.5)).not.toThrow()
    for (const share of [0.45, 0.01, 1.5])
      expect(turned(share)).toThrow(new RegExp(`partial_rotary_factor is ${share}; it must be a share of at most 1`))
    expect(turned('half')).toThrow(/partial_rotary_factor is "half"/)
  })

  it('are written with the share that makes them', () => {
    for (let rotaryDim = 2; rotaryDim < 96; rotaryDim += 2) {
      const config = parseConfig({ ...sizes, model_type: 'phi3', hidden_size: 384 })
      const json = JSON.parse(JSON.stringify(configToJson({ ...config, rotaryDim }))) as object
      expect(parseConfig(json).rotaryDim).toBe(rotaryDim)
    }
  })
})

describe('rotary positions', () => {
  it('of a kind that is not computed are refused by the name of the kind', () => {
    for (const type of ['dynamic', 'su', 'constructor', 'mrope', 'proportional', 'LLAMA3', 7])
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
