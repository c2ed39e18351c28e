import { describe, expect, it } from 'vitest'
import type { FileWarning } from '../files/file-warning'
import { listOf, refusedConfigKeys } from './config-keys'
import { families } from './families/index'
import { parseConfig } from './parse-config'
import { sizes } from './sizes.fixture'

/**
 * What transformers 5.24.0 knows in every config.json: the fields of PreTrainedConfig, `GenerationConfig._get_default_generation_params()`,
 * and what `__post_init__` takes from its arguments by name.
 */
const everyKey = `_attn_implementation_internal _commit_hash _experts_implementation_internal _name_or_path architectures
  assistant_confidence_threshold assistant_lookbehind attn_implementation bad_words_ids begin_suppress_tokens
  chunk_size_feed_forward diversity_penalty do_sample dtype early_stopping encoder_no_repeat_ngram_size
  encoder_repetition_penalty epsilon_cutoff eta_cutoff experts_implementation exponential_decay_length_penalty
  forced_bos_token_id forced_eos_token_id id2label is_encoder_decoder label2id length_penalty max_length
  min_length model_type name_or_path no_repeat_ngram_size num_assistant_tokens num_assistant_tokens_schedule
  num_beam_groups num_beams num_labels num_return_sequences output_attentions output_hidden_states output_scores
  partial_rotary_factor per_layer_config problem_type remove_invalid_values repetition_penalty return_dict
  return_dict_in_generate rope_scaling rope_theta suppress_tokens target_lookbehind temperature top_k top_p
  torch_dtype transformers_version typical_p use_cache`

/** `dataclasses.fields` and `to_dict()` of the classes of transformers 5.24.0: LlamaConfig and so on. */
const familyKeys: Record<string, string> = {
  llama: `attention_bias attention_dropout bos_token_id eos_token_id head_dim hidden_act hidden_size initializer_range
  intermediate_size max_position_embeddings mlp_bias num_attention_heads num_hidden_layers num_key_value_heads
  pad_token_id pretraining_tp rms_norm_eps rope_parameters tie_word_embeddings vocab_size`,
  mistral: `attention_dropout bos_token_id eos_token_id head_dim hidden_act hidden_size initializer_range intermediate_size
  max_position_embeddings num_attention_heads num_hidden_layers num_key_value_heads pad_token_id rms_norm_eps
  rope_parameters sliding_window tie_word_embeddings vocab_size`,
  qwen2: `attention_dropout bos_token_id eos_token_id hidden_act hidden_size initializer_range intermediate_size
  layer_types max_position_embeddings max_window_layers num_attention_heads num_hidden_layers num_key_value_heads
  pad_token_id rms_norm_eps rope_parameters sliding_window tie_word_embeddings use_sliding_window vocab_size`,
  qwen3: `attention_bias attention_dropout bos_token_id eos_token_id head_dim hidden_act hidden_size initializer_range
  intermediate_size layer_types max_position_embeddings max_window_layers num_attention_heads num_hidden_layers
  num_key_value_heads pad_token_id rms_norm_eps rope_parameters sliding_window tie_word_embeddings
  use_sliding_window vocab_size`,
  phi3: `attention_dropout bos_token_id embd_pdrop eos_token_id hidden_act hidden_size initializer_range
  intermediate_size max_position_embeddings num_attention_heads num_hidden_layers num_key_value_heads
  original_max_position_embeddings pad_token_id resid_pdrop rms_norm_eps rope_parameters sliding_window
  tie_word_embeddings vocab_size`,
  olmo2: `attention_bias attention_dropout bos_token_id eos_token_id hidden_act hidden_size initializer_range
  intermediate_size max_position_embeddings num_attention_heads num_hidden_layers num_key_value_heads pad_token_id
  rms_norm_eps rope_parameters tie_word_embeddings vocab_size`,
  smollm3: `attention_bias attention_dropout bos_token_id eos_token_id hidden_act hidden_size initializer_range
  intermediate_size layer_types max_position_embeddings mlp_bias no_rope_layer_interval no_rope_layers
  num_attention_heads num_hidden_layers num_key_value_heads pad_token_id rms_norm_eps rope_parameters sliding_window
  tie_word_embeddings use_sliding_window vocab_size`,
  granite: `attention_bias attention_dropout attention_multiplier bos_token_id embedding_multiplier eos_token_id hidden_act
  hidden_size initializer_range intermediate_size logits_scaling max_position_embeddings mlp_bias num_attention_heads
  num_hidden_layers num_key_value_heads pad_token_id residual_multiplier rms_norm_eps rope_parameters
  tie_word_embeddings vocab_size`,
  gemma2: `attention_bias attention_dropout attn_logit_softcapping bos_token_id eos_token_id final_logit_softcapping
  head_dim hidden_activation hidden_size initializer_range intermediate_size layer_types max_position_embeddings
  num_attention_heads num_hidden_layers num_key_value_heads pad_token_id query_pre_attn_scalar rms_norm_eps
  rope_parameters sliding_window tie_word_embeddings use_bidirectional_attention vocab_size`,
  gemma3_text: `_sliding_window_pattern attention_bias attention_dropout attn_logit_softcapping bos_token_id eos_token_id
  final_logit_softcapping head_dim hidden_activation hidden_size initializer_range intermediate_size layer_types
  max_position_embeddings num_attention_heads num_hidden_layers num_key_value_heads pad_token_id query_pre_attn_scalar
  rms_norm_eps rope_local_base_freq rope_parameters sliding_window sliding_window_pattern tie_word_embeddings
  use_bidirectional_attention vocab_size`,
}

const words = (text: string) => text.split(/\s+/)

const warned = (json: object) => {
  const warnings: FileWarning[] = []
  parseConfig({ ...sizes, model_type: 'llama', ...json }, 'm/config.json', (warning) => warnings.push(warning))
  return warnings.map(({ message }) => message)
}

describe.each(families.map((family) => [family.modelType, family] as const))('a config.json of %s', (type, family) => {
  it('has every key that transformers knows in one of the lists', () => {
    const keys = words(`${everyKey} ${familyKeys[type]}`)
    expect(keys.length).toBeGreaterThan(60)
    expect(keys.filter((key) => listOf(family, key) === undefined)).toEqual([])
  })

  it.each([...refusedConfigKeys].filter(([key]) => listOf(family, key) === 'refused'))(
    'is refused by name where %s says what is not computed, and read where it says nothing',
    (key, neutral) => {
      const config = { ...sizes, model_type: type, sliding_window: type.startsWith('gemma') ? 64 : null }
      const read = parseConfig(config)
      for (const value of [...neutral, null, [], {}]) expect(parseConfig({ ...config, [key]: value })).toEqual(read)
      const says = neutral.includes(true) ? false : ['other than these']
      expect(() => parseConfig({ ...config, [key]: says }, 'm/config.json')).toThrow(
        expect.objectContaining({
          code: 'UNSUPPORTED',
          message: expect.stringContaining(`m/config.json: ${key} `),
        }),
      )
    },
  )
})

describe('a config.json', () => {
  it('tells once of the keys that nobody knows, and not of null ones', () => {
    expect(warned({ foo: 1, bar: [2], baz: null })).toEqual([
      'm/config.json: not known here, and ignored: foo and bar.',
    ])
    expect(warned({ use_cache: false, attention_dropout: 0.1, torch_dtype: 'bfloat16', temperature: 2 })).toEqual([])
  })

  it('has nothing to be told of in what well-known models say beside that: SmolLM2, Qwen2.5 and a fine-tune by Unsloth', () => {
    const smollm2 = { is_llama_config: true, rope_interleaved: false, pretraining_tp: 1, rope_scaling: null }
    expect(warned({ ...smollm2, 'transformers.js_config': { kv_cache_dtype: { fp16: 'float16' } } })).toEqual([])
    const qwen = { model_type: 'qwen2', use_sliding_window: false, sliding_window: 32_768, max_window_layers: 21 }
    expect(warned({ ...qwen, use_mrope: false, torch_dtype: 'bfloat16' })).toEqual([])
    expect(warned({ unsloth_fixed: true, unsloth_version: '2025.1', _name_or_path: 'a/b' })).toEqual([])
  })

  it('tells of code of its own, which is not run', () => {
    expect(warned({ auto_map: { AutoModelForCausalLM: 'modeling_x.X' } })).toEqual([
      'm/config.json: names code of its own, which is not run: the model is computed as its architecture is here: auto_map.',
    ])
  })

  it('says of a refused key what it says, and what to do', () => {
    expect(() => warned({ logit_scale: 0.0625 })).toThrow(/logit_scale 0.0625 is not supported in LlamaForCausalLM/)
    expect(() => warned({ text_config: { hidden_size: 8 } })).toThrow(/text_config .*a model of more than text/)
    expect(() => warned({ quantization: { bits: 4, group_size: 64 } })).toThrow(/quantization .*F32, F16 or BF16/)
    expect(() => warned({ model_type: 'mistral', attention_bias: true })).toThrow(/attention_bias true.*Mistral/)
  })

  it.each([
    ['no_rope_layers', [1, 1, 1, 1], [1, 0, 1, 1]],
    ['mlp_layer_types', ['dense', 'dense'], ['dense', 'sparse']],
    ['mlp_only_layers', [], [2]],
  ])('is refused where %s has another entry than the plain ones', (key, plain, other) => {
    expect(warned({ [key]: plain })).toEqual([])
    expect(() => warned({ [key]: other })).toThrow(new RegExp(`${key} with what it says is not supported`))
  })
})
