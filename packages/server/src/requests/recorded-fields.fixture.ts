/** Fields of requests as other servers and clients know them, by where they were read. */
export interface RecordedFields {
  chat: string
  completions: string
}

/** ChatCompletionCreateParamsBase and CompletionCreateParamsBase of npm's openai 6.49.0. */
const openai: RecordedFields = {
  chat: `
  messages model audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens
  max_tokens metadata modalities moderation n parallel_tool_calls prediction presence_penalty prompt_cache_key
  prompt_cache_options prompt_cache_retention reasoning_effort response_format safety_identifier seed
  service_tier stop store stream stream_options temperature tool_choice tools top_logprobs top_p user verbosity
  web_search_options
`,
  completions: `
  model prompt best_of echo frequency_penalty logit_bias logprobs max_tokens n presence_penalty seed stop stream
  stream_options suffix temperature top_p user
`,
}

/** ChatCompletionRequest and CompletionRequest of vLLM (vllm/entrypoints/openai/, commit 002032ee2b18). */
const vllm: RecordedFields = {
  chat: `
  messages model frequency_penalty logit_bias logprobs top_logprobs max_tokens max_completion_tokens n
  presence_penalty response_format seed stop stream stream_options temperature top_p tools tool_choice
  reasoning_effort thinking_token_budget include_reasoning parallel_tool_calls user use_beam_search top_k min_p
  repetition_penalty watermarking length_penalty stop_token_ids include_stop_str_in_output ignore_eos min_tokens
  skip_special_tokens spaces_between_special_tokens truncate_prompt_tokens truncation_side prompt_logprobs
  logprob_token_ids allowed_token_ids bad_words echo add_generation_prompt continue_final_message
  add_special_tokens documents chat_template chat_template_kwargs media_io_kwargs mm_processor_kwargs
  structured_outputs priority request_id session_id return_tokens_as_token_ids return_token_ids
  routed_experts_prompt_start return_token_offsets return_prompt_text return_mm_kwargs cache_salt
  kv_transfer_params ec_transfer_params vllm_xargs repetition_detection stream_interval
`,
  completions: `
  model prompt echo frequency_penalty logit_bias logprobs max_tokens n presence_penalty seed stop stream
  stream_options suffix temperature top_p user use_beam_search top_k min_p repetition_penalty watermarking
  length_penalty stop_token_ids include_stop_str_in_output ignore_eos min_tokens skip_special_tokens
  spaces_between_special_tokens truncate_prompt_tokens truncation_side allowed_token_ids prompt_logprobs
  logprob_token_ids bad_words prompt_embeds add_special_tokens response_format structured_outputs priority
  request_id session_id return_tokens_as_token_ids return_token_ids routed_experts_prompt_start
  return_token_offsets return_mm_kwargs cache_salt kv_transfer_params ec_transfer_params vllm_xargs
  repetition_detection thinking_token_budget stream_interval
`,
}

/** Those of SGLang (python/sglang/srt/entrypoints/openai/protocol.py, commit 004c82e07d87). */
const sglang: RecordedFields = {
  chat: `
  messages model frequency_penalty logit_bias logprobs top_logprobs max_tokens max_completion_tokens n
  presence_penalty response_format seed stop stream stream_options temperature top_p user tools tool_choice
  parallel_tool_calls return_hidden_states return_routed_experts routed_experts_start_len
  return_cached_tokens_details return_prompt_token_ids return_token_ids return_meta_info reasoning_effort
  reasoning task top_k min_p min_tokens regex ebnf repetition_penalty stop_token_ids stop_regex no_stop_trim
  ignore_eos continue_final_message skip_special_tokens lora_path session_id session_params separate_reasoning
  stream_reasoning chat_template_kwargs max_dynamic_patch min_dynamic_patch use_audio_in_video images_config
  custom_logit_processor custom_params input_ids rid extra_key cache_salt ngram_corpus_id priority
  bootstrap_host bootstrap_port bootstrap_room routed_dp_rank disagg_prefill_dp_rank data_parallel_rank
`,
  completions: `
  model prompt best_of echo frequency_penalty logit_bias logprobs max_tokens n presence_penalty seed stop stream
  stream_options suffix temperature top_p user return_hidden_states return_routed_experts
  routed_experts_start_len return_cached_tokens_details return_token_ids top_k min_p min_tokens json_schema
  regex ebnf repetition_penalty stop_token_ids stop_regex no_stop_trim ignore_eos skip_special_tokens lora_path
  session_id session_params response_format custom_params custom_logit_processor images_config bootstrap_host
  bootstrap_port bootstrap_room routed_dp_rank disagg_prefill_dp_rank data_parallel_rank rid extra_key
  cache_salt ngram_corpus_id priority custom_labels
`,
}

const llamaSchema = `
  verbose timings_per_token stream stream_options cache_prompt return_tokens return_progress sse_ping_interval
  n_predict n_indent n_keep n_discard n_cmpl n n_cache_reuse t_max_predict_ms response_fields top_k top_p min_p
  top_n_sigma xtc_probability xtc_threshold typical_p temperature dynatemp_range dynatemp_exponent repeat_last_n
  repeat_penalty frequency_penalty presence_penalty dry_multiplier dry_base dry_allowed_length
  dry_penalty_last_n mirostat mirostat_tau mirostat_eta adaptive_target adaptive_decay seed n_probs logprobs
  min_keep backend_sampling post_sampling_probs speculative.n_max speculative.n_min speculative.p_min lora
  dry_sequence_breakers json_schema grammar grammar_lazy chat_format reasoning_format generation_prompt
  parse_tool_calls chat_parser continue_final_message echo preserved_tokens grammar_triggers reasoning_control
  reasoning_budget_tokens reasoning_budget_start_tag reasoning_budget_end_tags reasoning_budget_end_tag
  reasoning_budget_message logit_bias ignore_eos stop samplers
`

/** make_llama_cmpl_schema of llama.cpp's server (tools/server/server-schema.cpp, commit 0177c34227eb), both endpoints. */
const llamaCpp: RecordedFields = { chat: llamaSchema, completions: llamaSchema }

export const recordedFields: Readonly<Record<string, RecordedFields>> = { openai, vllm, sglang, llamaCpp }

/** Fields of the messages, parts and options of a stream that they know. */
export const recordedInside = {
  /** Of all roles, in openai 6.49.0's types and SGLang's ChatCompletionMessageGenericParam. */
  message: 'role content name audio function_call refusal tool_calls tool_call_id reasoning_content reasoning tools',
  part: 'type text prompt_cache_breakpoint',
  streamOptions: 'include_usage include_obfuscation continuous_usage_stats',
}
