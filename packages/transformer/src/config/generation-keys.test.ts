import { describe, expect, it } from 'vitest'
import type { FileWarning } from '../files/file-warning'
import { generationConfigToJson, parseGenerationConfig } from './generation-config'
import { harmlessGenerationKeys, unappliedGenerationKeys, usedGenerationKeys } from './generation-keys'
import { parseConfig } from './parse-config'

/** `list(vars(transformers.GenerationConfig()))` of transformers 5.24.0. */
const transformersKeys =
  `max_length max_new_tokens min_length min_new_tokens early_stopping max_time stop_strings do_sample
  num_beams use_mtp use_cache cache_implementation cache_config max_cache_len temperature top_k top_p min_p top_h typical_p
  epsilon_cutoff eta_cutoff repetition_penalty encoder_repetition_penalty length_penalty no_repeat_ngram_size bad_words_ids
  renormalize_logits forced_bos_token_id forced_eos_token_id remove_invalid_values exponential_decay_length_penalty
  suppress_tokens begin_suppress_tokens sequence_bias token_healing guidance_scale watermarking_config num_return_sequences
  output_attentions output_hidden_states output_scores output_logits return_dict_in_generate pad_token_id bos_token_id
  eos_token_id encoder_no_repeat_ngram_size decoder_start_token_id is_assistant num_assistant_tokens
  num_assistant_tokens_schedule assistant_confidence_threshold prompt_lookup_num_tokens max_matching_ngram_size
  assistant_early_exit assistant_lookbehind target_lookbehind assistant_ensemble_weight speculation_type compile_config
  disable_compile continuous_batching_config low_memory penalty_alpha dola_layers diversity_penalty num_beam_groups
  constraints force_words_ids prefill_chunk_size _from_model_config transformers_version`.split(/\s+/)

const model = parseConfig({
  architectures: ['LlamaForCausalLM'],
  vocab_size: 16,
  hidden_size: 8,
  intermediate_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  bos_token_id: null,
  eos_token_id: null,
})

const warned = (json: Record<string, unknown>) => {
  const warnings: FileWarning[] = []
  const config = parseGenerationConfig(json, model, 'm/generation_config.json', (warning) => warnings.push(warning))
  return { config, messages: warnings.map(({ message }) => message) }
}

describe('the keys of generation_config.json', () => {
  it('that transformers knows are each in one list', () => {
    const listed = [...usedGenerationKeys, ...harmlessGenerationKeys, ...unappliedGenerationKeys.keys()] as string[]
    expect(new Set(listed).size).toBe(listed.length)
    expect(transformersKeys.filter((key) => !listed.includes(key))).toEqual([])
    // vLLM's request fields, which some authors write there.
    const others = ['presence_penalty', 'frequency_penalty']
    expect(listed.filter((key) => !transformersKeys.includes(key)).sort()).toEqual(others.sort())
  })

  it('that are not applied are named in one warning with the file', () => {
    const { messages } = warned({ do_sample: true, top_k: 20, no_repeat_ngram_size: 3, typical_p: 0.9 })
    expect(messages).toEqual([
      'm/generation_config.json: asked for, and not applied here, as it is not implemented: no_repeat_ngram_size and typical_p.',
    ])
  })

  it('say nothing where their values are neutral', () => {
    const neutral = [...unappliedGenerationKeys].flatMap(([key, values]) =>
      [...values, null, [], {}].map((value) => ({ [key]: value })),
    )
    for (const json of neutral) expect([json, warned(json).messages]).toEqual([json, []])
    for (const key of unappliedGenerationKeys.keys()) expect(warned({ [key]: 0.5 }).messages).toHaveLength(1)
    for (const key of harmlessGenerationKeys) expect(warned({ [key]: 7 }).messages).toEqual([])
  })

  it('that say how to sample are read, as Qwen2.5-Instruct has a penalty', () => {
    const { config, messages } = warned({ do_sample: true, repetition_penalty: 1.05, min_p: 0.1 })
    expect(config).toMatchObject({ doSample: true, repetitionPenalty: 1.05, minP: 0.1 })
    expect(messages).toEqual([])
    expect(() => warned({ repetition_penalty: 0 })).toThrow(/repetition_penalty/)
    expect(() => warned({ min_p: 1.5 })).toThrow(/min_p/)
  })

  it('that nobody knows are named', () => {
    expect(warned({ do_smaple: true, chat_format: 'x' }).messages).toEqual([
      'm/generation_config.json: not known here, and ignored: do_smaple and chat_format.',
    ])
  })

  it('are written again, used or not', () => {
    const json = {
      temperature: 0.7,
      repetition_penalty: 1.05,
      suppress_tokens: [1, 2],
      transformers_version: '4.46.0',
      new: 1,
    }
    const { config } = warned({ ...json, min_p: null, _from_model_config: true })
    expect(generationConfigToJson(config)).toEqual(json)
  })
})
