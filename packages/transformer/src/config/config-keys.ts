import type { OutriderError } from '@outrider/tensor'
import { type OnWarning, warnOfKeys, warnOfUnknownKeys } from '../files/file-warning'
import type { ModelFamily } from './families/family'
import { type Fields, printed } from './fields'
import { maskTokenKeys } from './mask-token'

/**
 * Every key that transformers' configuration classes know for the families here is in one of three lists: read, harmless, or
 * refused where its value says something. A family adds its own, which count before these. A key in none is ignored and told of.
 */

/** What is read in every family. */
const usedConfigKeys: ReadonlySet<string> = new Set([
  ...['architectures', 'model_type', 'quantization_config', 'auto_map'],
  ...['vocab_size', 'hidden_size', 'intermediate_size', 'num_hidden_layers'],
  ...['num_attention_heads', 'num_key_value_heads', 'head_dim', 'layer_types', 'max_position_embeddings'],
  ...['rope_theta', 'rope_scaling', 'rope_parameters', 'partial_rotary_factor', 'original_max_position_embeddings'],
  ...['rms_norm_eps', 'hidden_act', 'initializer_range', 'tie_word_embeddings'],
  ...['bos_token_id', 'eos_token_id', 'pad_token_id'],
  ...maskTokenKeys,
])

/** What changes no logits. */
const harmlessConfigKeys: ReadonlySet<string> = new Set([
  // Where the file comes from. Each tensor says its own type.
  ...['_name_or_path', 'name_or_path', '_commit_hash', 'transformers_version', 'transformers.js_config'],
  ...['dtype', 'torch_dtype', 'is_llama_config', 'unsloth_version', 'unsloth_fixed', '_diffusers_version'],
  // How the work is done, and what is given back of it.
  ...['use_cache', 'output_attentions', 'output_hidden_states', 'return_dict', 'tie_last_hidden_states'],
  ...['attn_implementation', '_attn_implementation', '_attn_implementation_autoset', '_attn_implementation_internal'],
  ...['experts_implementation', '_experts_implementation', '_experts_implementation_internal', 'torchscript'],
  ...[
    'chunk_size_feed_forward',
    'pretraining_tp',
    'use_bfloat16',
    'tf_legacy_loss',
    'use_flash_attn',
    'num_logits_to_keep',
  ],
  ...['keys_to_ignore_at_inference', 'gradient_checkpointing', 'output_past', 'is_decoder'],
  // Lengths that `max_position_embeddings` says.
  ...['model_max_length', 'max_sequence_length', 'seq_length'],
  // Of training.
  ...[
    'attention_dropout',
    'resid_pdrop',
    'embd_pdrop',
    'attn_pdrop',
    'dropout',
    'hidden_dropout',
    'hidden_dropout_prob',
  ],
  ...['attention_probs_dropout_prob', 'residual_dropout', 'layerdrop', 'output_router_logits', 'router_aux_loss_coef'],
  // Of classifiers and other tasks.
  ...['num_labels', 'id2label', 'label2id', 'problem_type', 'finetuning_task', 'task_specific_params'],
  ...['classifier_dropout', 'tokenizer_class', 'prefix'],
  // Of models with an encoder, and of tokens that nothing here writes.
  ...['decoder_start_token_id', 'tie_encoder_decoder', 'sep_token_id', 'cls_token_id', 'unk_token_id'],
  // Tokens guessed ahead by layers of their own.
  ...['num_nextn_predict_layers', 'num_mtp_layers', 'mtp_num_hidden_layers'],
  // Of sampling: transformers 5 reads it in generation_config.json alone.
  ...['assistant_confidence_threshold', 'assistant_lookbehind', 'bad_words_ids', 'begin_suppress_tokens'],
  ...['diversity_penalty', 'do_sample', 'early_stopping', 'encoder_no_repeat_ngram_size', 'encoder_repetition_penalty'],
  ...['epsilon_cutoff', 'eta_cutoff', 'exponential_decay_length_penalty', 'forced_bos_token_id', 'forced_eos_token_id'],
  ...['length_penalty', 'max_length', 'min_length', 'no_repeat_ngram_size', 'num_assistant_tokens'],
  ...['num_assistant_tokens_schedule', 'num_beam_groups', 'num_beams', 'num_return_sequences', 'output_scores'],
  ...['remove_invalid_values', 'repetition_penalty', 'return_dict_in_generate', 'suppress_tokens', 'target_lookbehind'],
  ...['temperature', 'top_k', 'top_p', 'typical_p'],
  // Of a window, which `layer_types` and the families that have one speak of.
  ...['sliding_window', 'max_window_layers'],
])

/** What says nothing, whatever the key. */
const off = [false, 0, '', 'none'] as const

/**
 * What other models compute and these families do not: refused unless absent, null, empty or one of the values here, which
 * mean that it is not done. Most are keys of transformers' other text models, and of what was made from these.
 */
export const refusedConfigKeys: ReadonlyMap<string, readonly unknown[]> = new Map<string, readonly unknown[]>([
  ...keys(off, 'mlp_bias', 'attention_bias', 'attention_out_bias', 'qkv_bias', 'use_qkv_bias', 'use_bias', 'bias'),
  ...keys(off, 'lm_head_bias', 'add_bias_linear', 'add_qkv_bias', 'norm_bias', 'use_sliding_window'),
  ...keys(off, 'use_qk_norm', 'qk_norm', 'qk_layernorm', 'use_post_norm', 'use_sandwich_norm', 'clip_qkv', 'alibi'),
  ...keys(off, 'attn_logit_softcapping', 'final_logit_softcapping', 'logits_soft_cap', 'output_logit_soft_cap'),
  ...keys(off, 'query_pre_attn_scalar', 'attn_temperature_tuning', 'attention_chunk_size', 'use_logn_attn'),
  ...keys(
    off,
    'use_dynamic_ntk',
    'rope_interleave',
    'rope_interleaved',
    'use_mrope',
    'no_rope_layer_interval',
    'sliding_window_pattern',
    'num_kv_shared_layers',
  ),
  ...keys(off, 'num_experts', 'num_local_experts', 'n_routed_experts', 'moe_num_experts', 'n_shared_experts'),
  ...keys(off, 'num_shared_experts', 'num_experts_per_tok', 'moe_intermediate_size', 'shared_expert_intermediate_size'),
  ...keys(off, 'kv_lora_rank', 'q_lora_rank', 'qk_rope_head_dim', 'qk_nope_head_dim', 'v_head_dim', 'index_topk'),
  ...keys(off, 'parallel_attn', 'use_parallel_residual', 'apply_residual_connection_post_layernorm', 'scale_embedding'),
  ...keys(off, 'is_encoder_decoder', 'add_cross_attention', 'cross_attention_hidden_size', 'pruned_heads'),
  ...keys(off, 'per_layer_config', 'use_bidirectional_attention', 'hidden_size_per_layer_input', 'type_vocab_size'),
  ...keys(off, 'text_config', 'vision_config', 'audio_config', 'llm_config', 'thinker_config', 'decoder', 'encoder'),
  ...keys(
    off,
    'quantization',
    'compression_config',
    'quant_config',
    'sparsity_config',
    'mamba_d_state',
    'ssm_state_size',
  ),
  ...keys(
    [1, null],
    'embedding_multiplier',
    'residual_multiplier',
    'logits_scaling',
    'logit_scale',
    'lm_head_multiplier',
  ),
  ...keys([1], 'key_multiplier', 'scale_emb', 'rope_ratio', 'rotary_pct', 'routed_scaling_factor', 'width_multiplier'),
  ...keys(
    [],
    'attention_multiplier',
    'scale_depth',
    'dim_model_base',
    'rotary_dim',
    'swiglu_limit',
    'layer_rope_theta',
  ),
  ...keys([], 'block_types', 'layers_block_type', 'full_attn_idxs', 'attn_layer_indices'),
  ...keys([true], 'is_causal', 'scale_attn_weights'),
  ...keys(['silu', 'swish'], 'hidden_activation', 'activation_function'),
  ...keys(['rope', 'rotary', 'absolute'], 'position_embedding_type'),
])

/** Lists with an entry for each layer: refused where one says otherwise. */
const refusedLists: ReadonlyMap<string, readonly unknown[]> = new Map<string, readonly unknown[]>([
  // 1 is a layer with rotary positions, in Llama 4's and SmolLM3's words.
  ['no_rope_layers', [1, true]],
  ['mlp_layer_types', ['dense']],
  ['mlp_only_layers', []],
])

function keys(neutral: readonly unknown[], ...names: string[]): [string, readonly unknown[]][] {
  return names.map((name) => [name, neutral])
}

/** The list that a key of a family's config.json is in; undefined for none. */
export function listOf(family: ModelFamily, key: string): 'used' | 'harmless' | 'refused' | undefined {
  if (family.usedKeys?.includes(key) || usedConfigKeys.has(key)) return 'used'
  if (family.harmlessKeys?.includes(key)) return 'harmless'
  if (refusedConfigKeys.has(key) || refusedLists.has(key)) return 'refused'
  return harmlessConfigKeys.has(key) ? 'harmless' : undefined
}

/**
 * Refuses what a config.json says that its family does not compute, and tells of keys in no list.
 *
 * @throws OutriderError UNSUPPORTED, with the key and its value
 */
export function checkConfigKeys(fields: Fields, family: ModelFamily, onWarning?: OnWarning): void {
  for (const key of fields.names)
    if (listOf(family, key) === 'refused' && !isNeutral(key, fields.get(key))) throw refused(fields, key, family)
  warnOfKeys(
    onWarning,
    fields.file,
    fields.get('auto_map') === undefined ? [] : ['auto_map'],
    'names code of its own, which is not run: the model is computed as its architecture is here',
  )
  warnOfUnknownKeys(
    onWarning,
    fields.file,
    fields.names.filter((key) => fields.get(key) !== undefined && listOf(family, key) === undefined),
  )
}

function isNeutral(key: string, value: unknown): boolean {
  if (value === undefined) return true
  if (typeof value === 'object' && value !== null && Object.keys(value).length === 0) return true
  const list = refusedLists.get(key)
  if (list) return Array.isArray(value) && value.every((entry) => list.includes(entry))
  return refusedConfigKeys.get(key)!.includes(value)
}

function refused(fields: Fields, key: string, { className }: ModelFamily): OutriderError {
  const value = fields.get(key)
  const said = typeof value === 'object' ? 'with what it says' : printed(value)
  return fields.unsupported(`${key} ${said} is not supported in ${className}`, remedies.get(key))
}

const quantised = 'Use the F32, F16 or BF16 checkpoint of the model.'

const remedies: ReadonlyMap<string, string> = new Map([
  ...['text_config', 'vision_config', 'audio_config', 'llm_config', 'thinker_config'].map(
    (key) => [key, 'It is a model of more than text; use a checkpoint of the language model alone.'] as const,
  ),
  ...['quantization', 'compression_config', 'quant_config', 'sparsity_config'].map((key) => [key, quantised] as const),
])
