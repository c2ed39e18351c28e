import { OutriderError } from '@outrider/tensor'
import { isOwnName } from './special-tokens'

/** Keys of tokenizer_config.json that change what is computed. */
export const usedConfigKeys: readonly string[] = [
  'bos_token',
  'eos_token',
  'unk_token',
  'pad_token',
  'sep_token',
  'cls_token',
  'mask_token',
  'chat_template',
  'added_tokens_decoder',
  'additional_special_tokens',
  'extra_special_tokens',
  'split_special_tokens',
  'model_specific_special_tokens',
  // Tokens that a model has of its own; any other key of that end is one, too.
  ...['image_token', 'audio_token', 'video_token', 'boi_token', 'eoi_token', 'vision_bos_token', 'vision_eos_token'],
  ...['prefix_token', 'middle_token', 'suffix_token', 'eot_token', 'fill_token'],
]

/**
 * Keys that change no token here: of classes that transformers would rebuild a tokenizer by (tokenizer.json says it all), of
 * batches and cutting, of other kinds of input, of how a file was loaded or saved. `add_bos_token` and `add_eos_token` are not
 * heeded by transformers 5.24 either.
 */
export const harmlessConfigKeys: readonly string[] = [
  ...[
    'tokenizer_class',
    'slow_tokenizer_class',
    'processor_class',
    'auto_map',
    'backend',
    'tokenizer_type',
    'model_type',
  ],
  ...['add_bos_token', 'add_eos_token', 'add_prefix_space', 'legacy', 'use_fast', 'from_slow', 'trim_offsets'],
  ...['bos_token_id', 'eos_token_id', 'unk_token_id', 'pad_token_id', 'sep_token_id', 'cls_token_id', 'mask_token_id'],
  ...['do_lower_case', 'do_basic_tokenize', 'never_split', 'strip_accents', 'tokenize_chinese_chars', 'lowercase'],
  ...['clean_up_tokenization_spaces', 'spaces_between_special_tokens', 'errors', 'remove_space', 'keep_accents'],
  ...['model_max_length', 'max_len', 'max_length', 'stride', 'truncation', 'truncation_side', 'truncation_strategy'],
  ...[
    'padding',
    'padding_side',
    'pad_to_multiple_of',
    'pad_token_type_id',
    'tokenizer_padding',
    'tokenizer_truncation',
  ],
  ...['model_input_names', 'sp_model_kwargs', 'extra_ids', 'use_default_system_prompt'],
  ...['name_or_path', '_name_or_path', 'init_inputs', 'is_local', 'local_files_only', 'files_loaded', '_commit_hash'],
  ...['tokenizer_file', 'special_tokens_map_file', 'vocab_file', 'merges_file', 'fast_tokenizer_files', 'device_map'],
  ...[
    'transformers_version',
    'verbose',
    'fix_mistral_regex',
    'max_target_length',
    'response_schema',
    'response_template',
  ],
  ...['suffix_first', 'sanitize_control_tokens'],
  ...['chat_control_tokens'],
]

/**
 * The keys of a tokenizer_config.json that are in neither list.
 *
 * @throws OutriderError UNSUPPORTED for what would change tokens, and is not done here
 */
export function unknownConfigKeys(config: Readonly<Record<string, unknown>>, file: string): string[] {
  if (config.split_special_tokens === true)
    throw new OutriderError(
      'UNSUPPORTED',
      `${file} has split_special_tokens true, which is not supported: marks written in a text would be cut like words.`,
      { remedy: 'Set it to false, or leave it out.', details: { file } },
    )
  const isKnown = (key: string) =>
    usedConfigKeys.includes(key) || harmlessConfigKeys.includes(key) || isOwnName(key, config[key])
  return Object.keys(config).filter((key) => !isKnown(key))
}
