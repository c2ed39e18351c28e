/**
 * Every key that transformers' GenerationConfig knows is in one of three lists: read (`parseGenerationConfig`), harmless, or
 * not applied here, where one that is not neutral is told of.
 */

/** What is read. */
export const usedGenerationKeys = [
  'bos_token_id',
  'eos_token_id',
  'pad_token_id',
  'do_sample',
  'temperature',
  'top_k',
  'top_p',
  'min_p',
  'repetition_penalty',
] as const

/** What changes no token here: how the work is done, what is given back of it, and lengths, which the caller says. */
export const harmlessGenerationKeys: ReadonlySet<string> = new Set([
  ...['_from_model_config', 'transformers_version'],
  ...['max_length', 'max_new_tokens', 'max_time', 'num_return_sequences'],
  // Of beams alone, which are told of themselves.
  ...['early_stopping', 'length_penalty'],
  ...['use_cache', 'cache_implementation', 'cache_config', 'max_cache_len', 'low_memory', 'prefill_chunk_size'],
  ...['compile_config', 'disable_compile', 'continuous_batching_config'],
  ...['output_attentions', 'output_hidden_states', 'output_scores', 'output_logits', 'return_dict_in_generate'],
  // They rescale or repair what the same token is drawn from.
  ...['renormalize_logits', 'remove_invalid_values'],
  // Of a model with an encoder.
  'decoder_start_token_id',
  // Speculation changes no answer.
  ...['is_assistant', 'num_assistant_tokens', 'num_assistant_tokens_schedule', 'assistant_confidence_threshold'],
  ...['prompt_lookup_num_tokens', 'max_matching_ngram_size', 'assistant_early_exit', 'assistant_lookbehind'],
  ...['target_lookbehind', 'assistant_ensemble_weight', 'speculation_type', 'use_mtp'],
])

/** What would change answers and is not implemented, with the values that say nothing; null and empty ones never do. */
export const unappliedGenerationKeys: ReadonlyMap<string, readonly unknown[]> = new Map<string, readonly unknown[]>([
  ['encoder_repetition_penalty', [1]],
  ['presence_penalty', [0]],
  ['frequency_penalty', [0]],
  ['diversity_penalty', [0]],
  ['exponential_decay_length_penalty', []],
  ['no_repeat_ngram_size', [0]],
  ['encoder_no_repeat_ngram_size', [0]],
  ['top_h', [0, 1]],
  ['typical_p', [1]],
  ['epsilon_cutoff', [0]],
  ['eta_cutoff', [0]],
  ['min_length', [0]],
  ['min_new_tokens', [0]],
  ['stop_strings', []],
  ['num_beams', [0, 1]],
  ['num_beam_groups', [0, 1]],
  ['bad_words_ids', []],
  ['force_words_ids', []],
  ['constraints', []],
  ['forced_bos_token_id', []],
  ['forced_eos_token_id', []],
  ['suppress_tokens', []],
  ['begin_suppress_tokens', []],
  ['sequence_bias', []],
  ['token_healing', [false]],
  ['guidance_scale', [1]],
  ['watermarking_config', []],
  ['penalty_alpha', [0]],
  ['dola_layers', []],
])

/** Whether the value of such a key says that answers are meant otherwise than they are given here. */
export function isUnapplied(key: string, value: unknown): boolean {
  const neutral = unappliedGenerationKeys.get(key)
  if (!neutral || value === null || value === undefined || neutral.includes(value)) return false
  return typeof value !== 'object' || Object.keys(value).length > 0
}

/** Whether it is in any of the lists. */
export const isKnownGenerationKey = (key: string): boolean =>
  (usedGenerationKeys as readonly string[]).includes(key) ||
  harmlessGenerationKeys.has(key) ||
  unappliedGenerationKeys.has(key)
