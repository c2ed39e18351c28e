import { describe, expect, it } from 'vitest'
import { generationConfigToJson, parseGenerationConfig } from './generation-config'
import type { ModelConfig } from './model-config'
import { configToJson, parseConfig } from './parse-config'
import { rotaryFrequencies } from './rope-scaling'
import { sizes } from './sizes.fixture'

const llama = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 49152,
  hidden_size: 576,
  intermediate_size: 1536,
  num_hidden_layers: 30,
  num_attention_heads: 9,
}

const named = (family: string, type: string) => ({ architectures: [`${family}ForCausalLM`], model_type: type })

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
      bosTokenId: 1,
      eosTokenIds: [2],
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
    expect(configToJson(parseConfig({ ...llama, bos_token_id: null, eos_token_id: 2 }))).toMatchObject({
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
      'a rotary scaling that is not implemented',
      { ...llama, rope_scaling: { type: 'dynamic', factor: 2 } },
      /rope_scaling: rotary scaling of type "dynamic"/,
    ],
    [
      'a rotary scaling of transformers 5',
      { ...llama, rope_parameters: { rope_type: 'mrope' } },
      /rope_parameters: rotary scaling of type "mrope"/,
    ],
    ['another activation', { ...llama, hidden_act: 'gelu' }, /hidden_act "gelu"/],
    ['MLP bias', { ...llama, ...named('Mistral', 'mistral'), mlp_bias: true }, /mlp_bias true/],
    [
      'partly rotated heads, where the family has none',
      { ...llama, ...named('Qwen3', 'qwen3'), partial_rotary_factor: 0.75 },
      /partial_rotary_factor 0.75/,
    ],
    [
      'layers of another kind',
      { ...llama, layer_types: new Array(30).fill('constructor') },
      /layer_types with "constructor" is not supp/,
    ],
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
    ['a head that is not made of vectors', { ...llama, head_dim: 6 }, /head_dim is 6; it must be a multiple of 4/],
    [
      'a rotary scaling without its numbers',
      { ...llama, rope_scaling: { rope_type: 'llama3', factor: 8 } },
      /rope_scaling: low_freq_factor is missing/,
    ],
    ['a rotary scaling that is no object', { ...llama, rope_scaling: 'llama3' }, /rope_scaling is "llama3"/],
    ['an end token that is no id', { ...llama, eos_token_id: '</s>' }, /eos_token_id is "<\/s>"/],
    [
      'more layers than any model',
      { ...llama, num_hidden_layers: 1e9 },
      /num_hidden_layers is 1000000000.*at most 1000/,
    ],
    ['a hidden size that none has', { ...llama, hidden_size: 2 ** 40 }, /hidden_size is 1099511627776/],
    ['an MLP wider than any', { ...llama, intermediate_size: 1e12 }, /intermediate_size is 1000000000000/],
    ['a vocabulary larger than any', { ...llama, vocab_size: 1e9 }, /vocab_size is 1000000000/],
    [
      'more heads than any',
      { ...llama, hidden_size: 2 ** 16, num_attention_heads: 2 ** 14 },
      /attention_heads is 16384/,
    ],
    ['heads wider than any', { ...llama, head_dim: 2 ** 30 }, /head_dim is 1073741824/],
    ['a context longer than any', { ...llama, max_position_embeddings: 2 ** 50 }, /max_position_embeddings is/],
    [
      'a window longer than any context',
      { ...llama, ...named('Mistral', 'mistral'), sliding_window: 2 ** 50 },
      /sliding_window is/,
    ],
    [
      'too few layer types',
      { ...llama, layer_types: ['full_attention'] },
      /layer_types is \["full_attention"\]; it must be a list of as many names as layers \(30\)/,
    ],
    [
      'a mark of layers with positions that is none',
      { ...sizes, model_type: 'smollm3', no_rope_layers: [1, 1, 2, 1] },
      /no_rope_layers is \[1,1,2,1\]; it must be a list of 0 and 1 with one for each layer \(4\)/,
    ],
    ['too few of them', { ...sizes, model_type: 'smollm3', no_rope_layers: [1, 0] }, /no_rope_layers is \[1,0\]/],
    ['an interval of none', { ...sizes, model_type: 'smollm3', no_rope_layer_interval: 0 }, /_interval is 0; it must/],
    [
      'layers with a window that is not used',
      { ...sizes, model_type: 'smollm3', sliding_window: 8, layer_types: new Array(4).fill('sliding_attention') },
      /use_sliding_window is missing; it must be true, as layer_types/,
    ],
    [
      'layers with a window that is not said',
      {
        ...sizes,
        model_type: 'smollm3',
        use_sliding_window: true,
        layer_types: new Array(4).fill('sliding_attention'),
      },
      /sliding_window is missing; it must be a positive integer, as layers have a window/,
    ],
    [
      'a scale of zero',
      { ...sizes, model_type: 'granite', logits_scaling: 0 },
      /logits_scaling is 0; it must be a pos/,
    ],
    ['a value without end', { ...llama, rope_theta: 'x'.repeat(1e5) }, /rope_theta is "x{119}…; it must be/],
    ['a rotary base of zero', { ...llama, rope_theta: 0 }, /rope_theta is 0/],
    ['a rotary base that is no number', { ...llama, rope_theta: Number.NaN }, /rope_theta is NaN; it must be/],
    ['an epsilon without end', { ...llama, rms_norm_eps: Number.POSITIVE_INFINITY }, /rms_norm_eps is Infinity/],
    ['a size that is no number', { ...llama, hidden_size: Number.NaN }, /hidden_size is NaN/],
  ])('refuses %s, naming the field and its value', (_, json, message) => {
    expect(() => parseConfig(json)).toThrow(message)
    expect(() => parseConfig(json)).toThrow(expect.objectContaining({ code: 'FILE_FORMAT' }))
  })
})

const windows = (...kinds: ('full' | 'sliding')[]) => kinds.map((kind) => `${kind}_attention`)
/** Of a factor of 4, by transformers' defaults. */
const yarn = {
  type: 'yarn',
  factor: 4,
  originalContextLength: 1024,
  ...{ betaFast: 32, betaSlow: 1, truncate: true, attentionFactor: 0.1 * Math.log(4) + 1 },
}
const phi4Factors = { short_factor: [1, 1.1, 1.2, 1.3, 1.4, 1.5], long_factor: [1, 2, 3, 4, 5, 6.5] }
const longrope = {
  type: 'longrope',
  originalContextLength: 4096,
  shortFactors: phi4Factors.short_factor,
  longFactors: phi4Factors.long_factor,
  attentionFactor: Math.sqrt(1 + Math.log(4) / Math.log(4096)),
}

const [full, sliding] = ['full_attention', 'sliding_attention'] as const

/** Of a Gemma of these sizes, whatever the file says or leaves out. */
const gemma = {
  headDim: 256,
  normPlacement: 'around',
  normOffset: 1,
  activation: 'gelu_tanh',
  embeddingScale: 8,
  attentionScale: 1 / 16,
  tieWordEmbeddings: true,
}

const withoutIds = { ...sizes, bos_token_id: null, eos_token_id: null, pad_token_id: null }

describe('the families', () => {
  it.each([
    [
      'Llama 3.2',
      {
        model_type: 'llama',
        attention_bias: false,
        rope_theta: 500_000,
        rope_scaling: {
          factor: 32,
          high_freq_factor: 4,
          low_freq_factor: 1,
          original_max_position_embeddings: 8192,
          rope_type: 'llama3',
        },
      },
      {
        ropeTheta: 500_000,
        ropeScaling: {
          type: 'llama3',
          factor: 32,
          highFrequencyFactor: 4,
          lowFrequencyFactor: 1,
          originalContextLength: 8192,
        },
      },
    ],
    [
      'a Llama with biases',
      { model_type: 'llama', attention_bias: true, mlp_bias: true },
      { attentionBias: 'all', mlpBias: true },
    ],
    [
      'a Llama with positions divided',
      { model_type: 'llama', rope_scaling: { type: 'linear', factor: 4 } },
      { ropeScaling: { type: 'linear', factor: 4 } },
    ],
    ['Mistral 0.1', { model_type: 'mistral', sliding_window: 4096 }, { slidingWindow: 4096 }],
    ['Mistral without the field', { model_type: 'mistral' }, { slidingWindow: 4096, contextLength: 131_072 }],
    ['Mistral 0.3', { model_type: 'mistral', sliding_window: null }, {}],
    [
      'Qwen2.5',
      { model_type: 'qwen2', use_sliding_window: false, sliding_window: 32_768, max_window_layers: 21 },
      { attentionBias: 'qkv' },
    ],
    [
      'Qwen2 with a window',
      { model_type: 'qwen2', use_sliding_window: true, sliding_window: 77, max_window_layers: 0 },
      { attentionBias: 'qkv', slidingWindow: 77 },
    ],
    [
      'Qwen2 with a window in its upper layers',
      { model_type: 'qwen2', use_sliding_window: true, sliding_window: 77, max_window_layers: 3 },
      { attentionBias: 'qkv', slidingWindow: 77, layerTypes: windows('full', 'full', 'full', 'sliding') },
    ],
    [
      'Qwen3 with a window in some layers',
      {
        ...{ model_type: 'qwen3', use_sliding_window: true, sliding_window: 77 },
        layer_types: windows('sliding', 'full', 'full', 'sliding'),
      },
      {
        ...{ qkNorm: 'head', headDim: 128, slidingWindow: 77 },
        layerTypes: windows('sliding', 'full', 'full', 'sliding'),
      },
    ],
    [
      'Mistral with a window in some layers',
      { model_type: 'mistral', sliding_window: 77, layer_types: windows('sliding', 'full', 'full', 'full') },
      { slidingWindow: 77, layerTypes: windows('sliding', 'full', 'full', 'full') },
    ],
    [
      'a Llama with YaRN',
      {
        ...{ model_type: 'llama', max_position_embeddings: 4096 },
        rope_scaling: { type: 'yarn', factor: 4, original_max_position_embeddings: 1024 },
      },
      { ropeScaling: yarn },
    ],
    [
      'Phi-4-mini',
      {
        ...{ model_type: 'phi3', max_position_embeddings: 16_384, original_max_position_embeddings: 4096 },
        ...{ partial_rotary_factor: 0.75, rope_scaling: { type: 'longrope', ...phi4Factors } },
      },
      { rmsNormEpsilon: 1e-5, rotaryDim: 12, ropeScaling: longrope },
    ],
    [
      "Phi-3 under LongRoPE's old name",
      {
        ...{ model_type: 'phi3', max_position_embeddings: 16_384, partial_rotary_factor: 0.75 },
        rope_scaling: { type: 'su', ...phi4Factors },
      },
      { rmsNormEpsilon: 1e-5, rotaryDim: 12, ropeScaling: longrope },
    ],
    ['Qwen3', { model_type: 'qwen3', head_dim: 32 }, { qkNorm: 'head', headDim: 32 }],
    ['Qwen3 without the field', { model_type: 'qwen3' }, { qkNorm: 'head', headDim: 128 }],
    ['Phi-3', { model_type: 'phi3', sliding_window: 2047 }, { slidingWindow: 2047, rmsNormEpsilon: 1e-5 }],
    [
      'OLMo 2',
      { model_type: 'olmo2', attention_bias: true },
      { normPlacement: 'after', qkNorm: 'all', attentionBias: 'all', rmsNormEpsilon: 1e-5 },
    ],
    [
      'SmolLM3',
      { model_type: 'smollm3', no_rope_layers: [true, 1, 0, 1], rope_theta: 5e6, num_hidden_layers: 4 },
      { layersWithoutRope: [2], ropeTheta: 5e6, tieWordEmbeddings: true },
    ],
    [
      'SmolLM3 without the fields',
      { model_type: 'smollm3' },
      { layersWithoutRope: [3], ropeTheta: 2e6, tieWordEmbeddings: true, contextLength: 32_768 },
    ],
    [
      'SmolLM3 with windows where there are no positions, and biases',
      {
        model_type: 'smollm3',
        ...{ use_sliding_window: true, sliding_window: 5 },
        attention_bias: true,
        mlp_bias: true,
      },
      {
        ...{ layersWithoutRope: [3], ropeTheta: 2e6, tieWordEmbeddings: true, attentionBias: 'all', mlpBias: true },
        slidingWindow: 5,
        layerTypes: ['full_attention', 'full_attention', 'full_attention', 'sliding_attention'],
      },
    ],
    [
      'Granite 3',
      {
        ...{ model_type: 'granite', attention_multiplier: 0.0078125, embedding_multiplier: 12 },
        ...{ residual_multiplier: 0.22, logits_scaling: 49, attention_bias: true, mlp_bias: true },
      },
      {
        ...{ attentionScale: 0.0078125, embeddingScale: 12, residualScale: 0.22, logitScale: 1 / 49 },
        ...{ attentionBias: 'all', mlpBias: true },
      },
    ],
    ['Granite without multipliers', { model_type: 'granite' }, { attentionScale: 1 }],
    [
      "Gemma 2 as Google's files have it, and what they leave to transformers",
      {
        model_type: 'gemma2',
        hidden_act: 'gelu_pytorch_tanh',
        sliding_window_size: 4096,
        cache_implementation: 'hybrid',
      },
      {
        ...gemma,
        contextLength: 8192,
        attentionSoftCap: 50,
        logitSoftCap: 30,
        slidingWindow: 4096,
        layerTypes: [sliding, full, sliding, full],
      },
    ],
    [
      'Gemma 2 without caps',
      {
        model_type: 'gemma2',
        attn_logit_softcapping: null,
        final_logit_softcapping: null,
        query_pre_attn_scalar: 144,
        layer_types: [full, full, full, full],
      },
      { ...gemma, attentionScale: 1 / 12 },
    ],
    [
      'Gemma 3 of the old form',
      {
        model_type: 'gemma3_text',
        rope_theta: 500_000,
        rope_local_base_freq: 20_000,
        rope_scaling: { rope_type: 'linear', factor: 8 },
        sliding_window: 512,
        sliding_window_pattern: 3,
      },
      {
        ...gemma,
        qkNorm: 'head',
        ropeTheta: 500_000,
        ropeScaling: { type: 'linear', factor: 8 },
        slidingRope: { ropeTheta: 20_000 },
        slidingWindow: 512,
        layerTypes: [sliding, sliding, full, sliding],
      },
    ],
    [
      'Gemma 3 as transformers 5 writes it',
      {
        model_type: 'gemma3_text',
        rope_parameters: {
          full_attention: { rope_type: 'default', rope_theta: 1_000_000 },
          sliding_attention: { rope_type: 'default', rope_theta: 10_000 },
        },
        final_logit_softcapping: 30,
        layer_types: [full, sliding, sliding, full],
        _sliding_window_pattern: 6,
      },
      {
        ...gemma,
        qkNorm: 'head',
        contextLength: 131_072,
        ropeTheta: 1_000_000,
        slidingRope: { ropeTheta: 10_000 },
        logitSoftCap: 30,
        slidingWindow: 4096,
        layerTypes: [full, sliding, sliding, full],
      },
    ],
  ])('read and write %s', (_, json, own) => {
    const config = parseConfig({ ...withoutIds, ...json })
    const plain = parseConfig({ ...withoutIds, model_type: 'llama', max_position_embeddings: config.contextLength })
    expect(config).toEqual({ ...plain, architecture: json.model_type, ...own })
    const written = JSON.parse(JSON.stringify(configToJson(config))) as Record<string, unknown>
    expect(parseConfig(written)).toEqual(config)
    expect(written.model_type).toBe(json.model_type)
  })
})

describe('a Gemma', () => {
  const read = (type: string, json: object) => () => parseConfig({ ...sizes, model_type: type, ...json })

  it.each([
    ['another activation', 'gemma2', { hidden_activation: 'gelu' }, /hidden_activation "gelu" is not supported/],
    ['another activation by the old key', 'gemma3_text', { hidden_act: 'silu' }, /hidden_act "silu" is not supported/],
    [
      'layers with a window and none to have',
      'gemma2',
      { sliding_window: null },
      /sliding_window is missing; it must be/,
    ],
    [
      'one set of positions where there are two',
      'gemma3_text',
      { rope_parameters: { rope_theta: 5 } },
      /a set for each/,
    ],
    [
      'scaling in layers with a window',
      'gemma3_text',
      { rope_parameters: { sliding_attention: { rope_type: 'linear', factor: 2 } } },
      /rotary scaling in layers with a window is not supported/,
    ],
  ])('with %s is refused by name', (_, type, json, message) => {
    expect(read(type, json)).toThrow(message)
  })
})

describe('configToJson', () => {
  it('refuses an architecture that is no family, rather than to write it as another', () => {
    const config = parseConfig({ ...withoutIds, model_type: 'llama' })
    expect(() => configToJson({ ...config, architecture: 'mamba' })).toThrow(/"mamba" is not an architecture/)
  })

  it.each<[string, Partial<ModelConfig>, RegExp]>([
    ['llama', { attentionBias: 'qkv' }, /llama cannot say attentionBias: qkv.* read as none/],
    ['olmo2', { attentionBias: 'qkv' }, /olmo2 cannot say attentionBias: qkv/],
    ['smollm3', { attentionBias: 'qkv' }, /smollm3 cannot say attentionBias: qkv/],
    ['granite', { attentionBias: 'qkv' }, /granite cannot say attentionBias: qkv/],
    ['qwen2', { attentionBias: 'all' }, /qwen2 cannot say attentionBias: all.* read as qkv/],
    ['qwen3', { mlpBias: true }, /qwen3 cannot say mlpBias: true.* read as none/],
    ['llama', { qkNorm: 'head' }, /llama cannot say qkNorm: head/],
  ])('refuses what a GGUF of %s may have and its config.json has no word for: %o', (type, fields, message) => {
    const config = parseConfig({ ...withoutIds, model_type: type })
    expect(() => configToJson({ ...config, ...fields })).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED', message: expect.stringMatching(message) }),
    )
  })
})

describe('rotaryFrequencies', () => {
  it('keeps the fast turns of Llama 3, divides the slow ones, and blends between', () => {
    const scaling = { factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContextLength: 8192 }
    const shape = { rotaryDim: 128, ropeTheta: 500_000 }
    const plain = rotaryFrequencies(shape)
    const scaled = rotaryFrequencies({ ...shape, ropeScaling: { type: 'llama3', ...scaling } })
    const ratios = [...scaled].map((frequency, i) => frequency / plain[i]!)
    const turns = [...plain].map((frequency) => (8192 * frequency) / (2 * Math.PI))
    for (const [i, ratio] of ratios.entries()) {
      if (turns[i]! >= 4) expect(ratio).toBe(1)
      else if (turns[i]! <= 1) expect(ratio).toBe(1 / 8)
      else expect(ratio).toBeCloseTo(((turns[i]! - 1) / 3) * (7 / 8) + 1 / 8, 12)
    }
    expect(ratios.some((ratio) => ratio > 1 / 8 && ratio < 1)).toBe(true)
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
