import { describe, expect, it } from 'vitest'
import { generationConfigToJson, parseGenerationConfig } from './generation-config'
import { configToJson, parseConfig } from './parse-config'

const llama = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 49152,
  hidden_size: 576,
  intermediate_size: 1536,
  num_hidden_layers: 30,
  num_attention_heads: 9,
}

describe('parseConfig', () => {
  it('reads a config.json, with the defaults of transformers for what is absent', () => {
    expect(parseConfig(llama)).toEqual({
      architecture: 'llama',
      vocabularySize: 49152,
      hiddenSize: 576,
      intermediateSize: 1536,
      layers: 30,
      heads: 9,
      kvHeads: 9,
      headDim: 64,
      contextLength: 2048,
      ropeTheta: 10_000,
      rmsNormEpsilon: 1e-6,
      tieWordEmbeddings: false,
      eosTokenIds: [],
      initializerRange: 0.02,
    })
  })

  it('reads what is given', () => {
    const json = {
      ...llama,
      num_key_value_heads: 3,
      head_dim: 32,
      max_position_embeddings: 8192,
      rope_theta: 100000,
      rms_norm_eps: 1e-5,
      tie_word_embeddings: true,
      bos_token_id: 1,
      eos_token_id: [2, 7],
      pad_token_id: 0,
      initializer_range: 0.04,
      rope_scaling: { type: 'default' },
      hidden_act: 'silu',
      sliding_window: 4096,
    }
    const config = parseConfig(json)
    expect(config).toMatchObject({
      kvHeads: 3,
      headDim: 32,
      contextLength: 8192,
      ropeTheta: 100000,
      tieWordEmbeddings: true,
    })
    expect(config).toMatchObject({ bosTokenId: 1, eosTokenIds: [2, 7], padTokenId: 0, initializerRange: 0.04 })
    expect(parseConfig(JSON.parse(JSON.stringify(configToJson(config))))).toEqual(config)
  })

  it('reads one end token, none, and nulls', () => {
    expect(parseConfig({ ...llama, eos_token_id: 2 }).eosTokenIds).toEqual([2])
    expect(parseConfig({ ...llama, eos_token_id: null, head_dim: null, rope_scaling: null }).eosTokenIds).toEqual([])
    expect(configToJson(parseConfig({ ...llama, eos_token_id: 2 }))).toMatchObject({
      eos_token_id: 2,
      bos_token_id: null,
    })
  })

  it('reads the rotary base where transformers 5 writes it', () => {
    expect(parseConfig({ ...llama, rope_parameters: { rope_type: 'default', rope_theta: 5e5 } }).ropeTheta).toBe(5e5)
  })

  it.each([
    [
      'GPT2LMHeadModel',
      { ...llama, architectures: ['GPT2LMHeadModel'] },
      /GPT2LMHeadModel is not supported.*Supported: LlamaForCausalLM/,
    ],
    [
      'an architecture known only by model_type',
      { ...llama, architectures: null, model_type: 'mamba' },
      /mamba is not supported/,
    ],
    ['a name of the prototype', { ...llama, architectures: ['constructor'] }, /constructor is not supported/],
    [
      'scaled rotary embedding',
      { ...llama, rope_scaling: { rope_type: 'llama3', factor: 8 } },
      /rope_scaling of type "llama3"/,
    ],
    [
      'scaled rotary embedding of transformers 5',
      { ...llama, rope_parameters: { rope_type: 'yarn' } },
      /rope_parameters of type "yarn"/,
    ],
    ['another activation', { ...llama, hidden_act: 'gelu' }, /hidden_act "gelu"/],
    ['attention bias', { ...llama, attention_bias: true }, /attention_bias true/],
    ['MLP bias', { ...llama, mlp_bias: true }, /mlp_bias true/],
    ['quantised weights', { ...llama, quantization_config: { quant_method: 'gptq' } }, /gptq/],
  ])('refuses %s by name', (_, json, message) => {
    expect(() => parseConfig(json, 'dir/config.json')).toThrow(message)
    expect(() => parseConfig(json, 'dir/config.json')).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }))
  })

  it.each([
    ['no architecture', {}, /architectures is missing/],
    ['not an object', [], /not a JSON object/],
    ['a missing size', { ...llama, hidden_size: undefined }, /hidden_size is missing; it must be a positive integer/],
    ['a negative size', { ...llama, vocab_size: -1 }, /vocab_size is -1/],
    ['a size in words', { ...llama, num_hidden_layers: 'two' }, /num_hidden_layers is "two"/],
    [
      'groups that do not divide',
      { ...llama, num_key_value_heads: 2 },
      /num_key_value_heads is 2; it must be a divisor/,
    ],
    ['heads that do not divide', { ...llama, num_attention_heads: 7 }, /hidden_size is 576/],
    ['an odd head', { ...llama, head_dim: 3 }, /head_dim is 3/],
    ['an end token that is no id', { ...llama, eos_token_id: '</s>' }, /eos_token_id is "<\/s>"/],
    ['a rotary base of zero', { ...llama, rope_theta: 0 }, /rope_theta is 0/],
  ])('refuses %s, naming the field and its value', (_, json, message) => {
    expect(() => parseConfig(json)).toThrow(message)
    expect(() => parseConfig(json)).toThrow(expect.objectContaining({ code: 'FILE_FORMAT' }))
  })
})

describe('parseGenerationConfig', () => {
  const model = parseConfig({ ...llama, bos_token_id: 1, eos_token_id: 2 })

  it('takes the tokens of the model where there is no file', () => {
    expect(parseGenerationConfig(undefined, model)).toEqual({ bosTokenId: 1, eosTokenIds: [2] })
  })

  it('prefers what the file says, and writes it back', () => {
    const json = {
      bos_token_id: 5,
      eos_token_id: [2, 9],
      pad_token_id: 0,
      do_sample: true,
      temperature: 0.6,
      top_k: 40,
      top_p: 0.9,
    }
    const config = parseGenerationConfig(json, model)
    expect(config).toEqual({
      bosTokenId: 5,
      eosTokenIds: [2, 9],
      padTokenId: 0,
      doSample: true,
      temperature: 0.6,
      topK: 40,
      topP: 0.9,
    })
    expect(generationConfigToJson(config)).toEqual(json)
  })

  it('refuses values out of range by name', () => {
    expect(() => parseGenerationConfig({ top_p: 2 }, model)).toThrow(
      /generation_config.json: top_p is 2; it must be a number from 0 to 1/,
    )
  })
})
