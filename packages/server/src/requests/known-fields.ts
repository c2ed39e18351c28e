import type { FieldLists, IsNeutral } from './check-fields'
import { commonFields } from './common-fields'

const never: IsNeutral = () => false
const is =
  (...neutral: unknown[]): IsNeutral =>
  (value) =>
    neutral.includes(value)
const isEmpty: IsNeutral = (value) => typeof value === 'object' && Object.keys(value as object).length === 0
const isAtMost =
  (bound: number): IsNeutral =>
  (value) =>
    typeof value === 'number' && value <= bound
const isNegative: IsNeutral = (value) => typeof value === 'number' && value < 0
const isText: IsNeutral = (value) => {
  const { type, ...others } = value as { type?: unknown }
  return type === 'text' && isEmpty(others)
}
const isTextOnly: IsNeutral = (value) => Array.isArray(value) && value.every((one) => one === 'text')

/** Who asks, where it is computed, how it is counted, kept or sent: the answer is the same. */
const harmless = [
  // OpenAI's
  ...['metadata', 'parallel_tool_calls', 'prediction', 'prompt_cache_key', 'prompt_cache_options'],
  ...['prompt_cache_retention', 'safety_identifier', 'service_tier', 'store', 'user'],
  // vLLM's and SGLang's
  ...['custom_labels', 'extra_key', 'priority', 'request_id', 'rid', 'session_id', 'stream_interval'],
  ...['bootstrap_host', 'bootstrap_port', 'bootstrap_room', 'data_parallel_rank', 'disagg_prefill_dp_rank'],
  ...['routed_dp_rank', 'routed_experts_prompt_start', 'routed_experts_start_len', 'ngram_corpus_id'],
  // of pictures and sounds, of beams, of thoughts, of guides: nothing without those, which are refused
  ...['media_io_kwargs', 'mm_processor_kwargs', 'return_mm_kwargs', 'max_dynamic_patch', 'min_dynamic_patch'],
  ...['use_audio_in_video', 'length_penalty', 'truncation_side', 'separate_reasoning', 'stream_reasoning'],
  ...['guided_decoding_backend', 'guided_whitespace_pattern', 'custom_params'],
  // llama.cpp's: of its cache, its slots and its reports
  ...['backend_sampling', 'cache_prompt', 'id_slot', 'n_cache_reuse', 'n_discard', 'n_keep', 'return_progress'],
  ...['sse_ping_interval', 'timings_per_token', 'verbose'],
  // how many tokens are drafted changes no answer (draft_length is ours)
  ...['speculative.n_max', 'speculative.n_min', 'speculative.p_min'],
  // of samplers that are off unless another field, which is refused, turns them on
  ...['adaptive_decay', 'dry_allowed_length', 'dry_base', 'dry_penalty_last_n', 'dry_sequence_breakers'],
  ...['dynatemp_exponent', 'mirostat_eta', 'mirostat_tau', 'xtc_threshold'],
  ...['grammar_lazy', 'parse_tool_calls', 'reasoning_budget_end_tag', 'reasoning_budget_end_tags'],
  ...['reasoning_budget_message', 'reasoning_budget_start_tag', 'reasoning_control'],
]

const refused: Readonly<Record<string, IsNeutral>> = {
  // Other ways to choose tokens.
  repeat_penalty: is(1),
  repeat_last_n: isNegative,
  penalize_nl: is(true),
  dry_multiplier: is(0),
  min_keep: is(0, 1),
  typical_p: is(1),
  top_n_sigma: isAtMost(0),
  xtc_probability: is(0),
  dynatemp_range: is(0),
  mirostat: is(0),
  adaptive_target: isNegative,
  samplers: never,
  allowed_token_ids: never,
  bad_words: isEmpty,
  custom_logit_processor: never,
  watermarking: is(false),
  use_beam_search: is(false),
  n_cmpl: is(1),
  best_of: is(1),
  vllm_xargs: isEmpty,
  // Where an answer ends.
  n_predict: is(-1),
  t_max_predict_ms: isAtMost(0),
  min_tokens: is(0),
  n_indent: is(0),
  ignore_eos: is(false),
  stop_token_ids: isEmpty,
  stop_regex: isEmpty,
  no_stop_trim: is(false),
  include_stop_str_in_output: is(false),
  repetition_detection: never,
  // What form it has.
  response_format: isText,
  structured_outputs: never,
  guided_json: never,
  guided_regex: never,
  guided_choice: never,
  guided_grammar: never,
  structural_tag: never,
  json_schema: never,
  grammar: is(''),
  grammar_triggers: isEmpty,
  preserved_tokens: isEmpty,
  regex: never,
  ebnf: never,
  skip_special_tokens: is(true),
  spaces_between_special_tokens: is(true),
  verbosity: is('medium'),
  modalities: isTextOnly,
  audio: never,
  images_config: never,
  // Tools and searches.
  tools: isEmpty,
  tool_choice: is('none', 'auto'),
  tool_prompt: never,
  functions: isEmpty,
  function_call: is('none', 'auto'),
  web_search_options: never,
  // How a model thinks.
  reasoning_effort: never,
  reasoning: never,
  thinking: never,
  enable_thinking: never,
  include_reasoning: is(true),
  reasoning_format: is('none', 'auto'),
  reasoning_budget_tokens: is(-1),
  thinking_token_budget: is(-1),
  // What the model reads.
  suffix: is(''),
  truncate_prompt_tokens: never,
  prompt_embeds: never,
  input_ids: never,
  chat_template: never,
  chat_template_kwargs: isEmpty,
  chat_format: never,
  chat_parser: never,
  generation_prompt: is(''),
  add_generation_prompt: is(true),
  continue_final_message: is(false),
  documents: isEmpty,
  guideline: never,
  task: never,
  session_params: never,
  lora: isEmpty,
  lora_path: never,
  generation_config: never,
  kv_transfer_params: never,
  ec_transfer_params: never,
  // What is told besides.
  logprob_token_ids: never,
  n_probs: is(0),
  post_sampling_probs: is(false),
  return_tokens: is(false),
  return_prompt_token_ids: is(false),
  return_token_offsets: is(false),
  return_prompt_text: is(false),
  return_hidden_states: is(false),
  return_routed_experts: is(false),
  return_cached_tokens_details: is(false),
  return_meta_info: is(false),
  response_fields: isEmpty,
  moderation: never,
}

const instead = {
  ...Object.fromEntries(
    ['n_predict', 'num_predict', 'max_new_tokens', 'max_length', 'max_output_tokens', 'maxTokens'].map((field) => [
      field,
      'max_tokens',
    ]),
  ),
  stop_sequences: 'stop',
  num_speculative_tokens: 'draft_length',
  repeat_penalty: 'repetition_penalty, which counts the whole text',
  n_cmpl: 'n',
}

const { response_format, tools, tool_choice, ...refusedInChat } = refused

const common = Object.keys(commonFields)

export const chatFields: FieldLists = {
  used: [
    ...common,
    ...['messages', 'max_completion_tokens', 'logprobs', 'top_logprobs'],
    ...['response_format', 'tools', 'tool_choice', 'parallel_tool_calls'],
  ],
  harmless: harmless.filter((field) => field !== 'parallel_tool_calls'),
  refused: { ...refusedInChat, prompt: never, echo: is(false), add_special_tokens: is(false) },
  instead: { ...instead, prompt: '/v1/completions', input: 'messages' },
}

export const completionFields: FieldLists = {
  used: [...common, 'prompt', 'logprobs', 'echo'],
  harmless,
  refused: {
    ...refused,
    messages: never,
    max_completion_tokens: never,
    top_logprobs: never,
    add_special_tokens: is(true),
  },
  instead: {
    ...instead,
    messages: '/v1/chat/completions',
    max_completion_tokens: 'max_tokens',
    top_logprobs: 'logprobs with a number',
  },
}

export const streamOptionFields: FieldLists = {
  used: ['include_usage', 'continuous_usage_stats'],
  harmless: ['include_obfuscation'],
  refused: {},
}

export const messageFields: FieldLists = {
  used: ['role', 'content', 'name', 'tool_calls', 'tool_call_id'],
  // What answers have beside their text, when they come back as history; marks for caches.
  harmless: ['annotations', 'cache_control'],
  refused: {
    audio: never,
    function_call: never,
    partial: is(false),
    prefix: is(false),
    reasoning: is(''),
    reasoning_content: is(''),
    refusal: is(''),
    tools: isEmpty,
    weight: is(1),
  },
}

export const partFields: FieldLists = {
  used: ['type', 'text'],
  harmless: ['annotations', 'cache_control', 'prompt_cache_breakpoint'],
  refused: {},
}
