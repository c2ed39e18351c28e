import { OutriderError } from '@outrider/tensor'
import type { GgufForm } from '../../config/families/index'
import { ggufDtypes } from '../../files/gguf/dtype'
import type { GgufFile, GgufMetadataValue } from '../../files/gguf/read'
import { type OnWarning, warnOfKeys, warnOfUnknownKeys } from '../../files/index'
import { specialKeys } from '../../tokenizer/gguf/special-ids'
import { draftVocabularyKey } from '../draft-vocabulary'
import { maskTokenKey } from './mask-token'

/**
 * Every key that llama.cpp knows stands in one of these lists: read, advice (of the authors, for sampling that is not applied),
 * harmless, or refused where its value says something. A key in none is ignored and told of. `%s` stands for the architecture.
 */
export type KeyList = 'used' | 'advice' | 'harmless' | 'refused' | 'unknown'

const used: ReadonlySet<string> = new Set([
  ...['general.architecture', 'general.alignment', 'general.name', 'general.type', 'general.quantization_version'],
  ...['general.sampling.temp', 'general.sampling.top_k', 'general.sampling.top_p', 'general.sampling.min_p'],
  ...['split.no', 'split.count', 'split.tensors.count'],
  ...['%s.context_length', '%s.embedding_length', '%s.block_count', '%s.feed_forward_length'],
  ...['%s.attention.head_count', '%s.attention.head_count_kv', '%s.attention.key_length', '%s.attention.value_length'],
  ...['%s.attention.layer_norm_rms_epsilon', '%s.attention.sliding_window'],
  ...['%s.rope.dimension_count', '%s.rope.freq_base'],
  ...['%s.rope.scaling.type', '%s.rope.scaling.factor', '%s.rope.scale_linear'],
  ...['%s.rope.scaling.attn_factor', '%s.rope.scaling.original_context_length'],
  ...['model', 'pre', 'tokens', 'token_type', 'scores', 'merges'].map((key) => `tokenizer.ggml.${key}`),
  ...['add_bos_token', 'add_eos_token', 'add_space_prefix'].map((key) => `tokenizer.ggml.${key}`),
  ...specialKeys.map((key) => `tokenizer.ggml.${key}_token_id`),
  'tokenizer.chat_template',
  draftVocabularyKey,
  maskTokenKey,
])

const harmless: ReadonlySet<string> = new Set([
  // The embedding says how many tokens there are. Both layouts that are named here are read by the names of tensors.
  ...['%s.vocab_size', '%s.tensor_data_layout'],
  // What is made of the last hidden state, where it is no token.
  ...['%s.pooling_type', '%s.embedding_length_out'],
  // Of a norm that these architectures do not have; of scalings that are refused, or where a model came from.
  ...['%s.attention.layer_norm_epsilon', '%s.rope.scaling.finetuned'],
  // Of other kinds of tokenizers, and of pairs of texts.
  ...['token_type_count', 'cls_token_id', 'add_sep_token', 'remove_extra_whitespaces', 'precompiled_charsmap']
    .concat(['normalizer.lowercase', 'normalizer.strip_accents'])
    .map((key) => `tokenizer.ggml.${key}`),
  ...['tokenizer.huggingface.json', 'tokenizer.rwkv.world', 'tokenizer.chat_templates'],
])

/** Who made the file and how; templates for other purposes, by their names. */
const harmlessPrefixes = ['general.', 'quantize.imatrix.', 'imatrix.', 'tokenizer.chat_template.']

/** What a file may be in place of a model. */
const otherFiles: readonly GgufMetadataValue[] = ['adapter', 'mmproj', 'imatrix', 'controlvector']

/** What some models compute and these do not. Absent, 0, false and an empty list say nothing; nor do the values here. */
const refused: ReadonlyMap<string, readonly GgufMetadataValue[]> = new Map<string, readonly GgufMetadataValue[]>([
  ...says(
    [],
    ...['embedding_length_per_layer_input', 'features_length', 'leading_dense_block_count', 'attn_res.block_size'],
    ...['activation.situ_beta', 'activation.situ_linear_beta', 'swiglu_clamp_exp', 'swiglu_clamp_shexp'],
    ...['expert_feed_forward_length', 'expert_shared_feed_forward_length', 'expert_chunk_feed_forward_length'],
    ...['use_parallel_residual', 'expert_count', 'expert_used_count', 'expert_shared_count', 'expert_group_count'],
    ...['expert_group_used_count', 'expert_weights_scale', 'expert_weights_norm', 'expert_latent_length'],
    ...['expert_gating_func', 'expert_group_scale', 'experts_per_group', 'moe_every_n_layers', 'moe_latent_size'],
    ...['nextn_predict_layers', 'n_deepstack_layers', 'deepstack_mapping', 'decoder_start_token_id'],
    ...['decoder_block_count', 'attn_logit_softcapping', 'router_logit_softcapping', 'final_logit_softcapping'],
    ...['swin_norm', 'rescale_every_n_layers', 'time_mix_extra_dim', 'time_decay_extra_dim', 'adapters.count'],
    ...['adapters.token_ids_activate', 'adapters.token_ids_substitute', 'adapters.lora_rank', 'adapters.router_gain'],
    ...['token_shift_count', 'interleave_moe_layer_step', 'full_attention_interval', 'num_loops'],
    ...['skip_loop_final_norm', 'hrm.layers_per_stack', 'hrm.h_cycles', 'hrm.l_cycles', 'hrm.prefix_lm'],
    ...['attention.max_alibi_bias', 'attention.clamp_kqv', 'attention.group_norm_epsilon'],
    ...['attention.group_norm_groups', 'attention.q_lora_rank', 'attention.kv_lora_rank', 'attention.decay_lora_rank'],
    ...['attention.iclr_lora_rank', 'attention.value_residual_mix_lora_rank', 'attention.gate_lora_rank'],
    ...['attention.relative_buckets_count', 'attention.rope_pattern', 'attention.scale'],
    ...['attention.temperature_length', 'attention.temperature_scale', 'attention.key_length_mla'],
    ...['attention.value_length_mla', 'attention.key_length_swa', 'attention.value_length_swa'],
    ...['attention.key_length_mla_swa', 'attention.value_length_mla_swa', 'attention.kv_lora_rank_swa'],
    ...['head_count', 'key_length', 'top_k', 'block_size', 'local_blocks', 'types'].map(
      (k) => `attention.indexer.${k}`,
    ),
    ...['attention.output_group_count', 'attention.output_lora_rank', 'attention.compress_rope_freq_base'],
    ...['attention.compress_ratios', 'attention.shared_kv_layers', 'attention.recurrent_layers'],
    ...['count', 'sinkhorn_iterations', 'epsilon', 'magnitude', 'low_rank'].map((k) => `hyper_connection.${k}`),
    ...['ple.layers', 'ple.ngram_size', 'ple.heads_per_ngram', 'ple.conv_kernel', 'ple.layer_multipliers'],
    ...['ple.head_offsets', 'ple.head_vocab_sizes', 'ple.eos_token_id', 'ple.image_token_id', 'hash_layer_count'],
    ...['rope.dimension_count_swa', 'rope.dimension_sections', 'rope.freq_base_swa', 'rope.scaling.alpha'],
    'rope.scaling.yarn_log_multiplier',
    ...['conv_kernel', 'inner_size', 'state_size', 'time_step_rank', 'group_count', 'dt_b_c_rms'].map(
      (k) => `ssm.${k}`,
    ),
    ...['kda.head_dim', 'kda.safe_gate', 'kda.gate_lower_bound', 'wkv.head_size', 'posnet.embedding_length'],
    ...['posnet.block_count', 'convnext.embedding_length', 'convnext.block_count', 'classifier.output_labels'],
    ...['target_layers', 'target_hidden_size', 'norm_before_residual', 'norm_before_fc', 'block_size'],
    ...['conv_kernel_size', 'conv_group_size', 'selector_rank', 'selector_top_k', 'shortconv.l_cache'],
    ...['dense_2_feat_in', 'dense_2_feat_out', 'dense_3_feat_in', 'dense_3_feat_out'],
  ),
  ...says([1], 'logit_scale', 'residual_scale', 'embedding_scale', 'attention.output_scale', 'attention.value_scale'),
  // llama.cpp's own numbers, which it takes in these architectures whatever a file says.
  ...says([1], 'rope.scaling.yarn_ext_factor', 'rope.scaling.yarn_attn_factor', 'rope.scaling.yarn_beta_slow'),
  ...says([32], 'rope.scaling.yarn_beta_fast'),
  ...says([1], 'attention.sliding_window_pattern'),
  ...says([true], 'attention.causal'),
  ...says(['silu'], 'hidden_activation'),
  ['tokenizer.ggml.suppress_tokens', []],
  ...['adapter.type', 'adapter.lora.alpha', 'adapter.lora.task_name', 'adapter.lora.prompt_prefix']
    .concat(['adapter.alora.invocation_tokens', 'xielu.alpha_n', 'xielu.alpha_p', 'xielu.beta', 'xielu.eps'])
    .map((key) => [key, []] as const),
])

function says(neutral: readonly GgufMetadataValue[], ...keys: readonly string[]) {
  return keys.map((key) => [`%s.${key}`, neutral] as const)
}

/** The key with `%s` for the architecture. */
const general = (key: string, architecture: string) =>
  key.startsWith(`${architecture}.`) ? `%s.${key.slice(architecture.length + 1)}` : key

/** The list that a key is in. */
export function listOfKey(
  key: string,
  { architecture, usedKeys = [] }: Pick<GgufForm, 'architecture' | 'usedKeys'>,
): KeyList {
  const name = general(key, architecture)
  if (usedKeys.some((used) => name === `%s.${used}`)) return 'used'
  if (used.has(name)) return 'used'
  if (name.startsWith('general.sampling.')) return 'advice'
  if (refused.has(name)) return 'refused'
  return harmless.has(name) || harmlessPrefixes.some((prefix) => name.startsWith(prefix)) ? 'harmless' : 'unknown'
}

/**
 * Refuses what the metadata says and is not done, and tells of keys that nobody knows and of sampling that is not applied.
 *
 * @throws OutriderError UNSUPPORTED naming the key and its value
 */
export function checkMetadata(
  { metadata, tensors, where }: GgufFile,
  form: Pick<GgufForm, 'architecture' | 'usedKeys'>,
  onWarning?: OnWarning,
): void {
  const refuse = (key: string, neutral: readonly GgufMetadataValue[]) => {
    const shown = JSON.stringify(metadata.get(key))
    return new OutriderError(
      'UNSUPPORTED',
      `${where}: ${key} is ${shown.length > 60 ? `${shown.slice(0, 60)}…` : shown}, which is not supported.`,
      {
        remedy: neutral.length > 0 ? `Supported: none, or ${JSON.stringify(neutral[0])}.` : 'Supported: none.',
        details: { file: where, key },
      },
    )
  }
  if (otherFiles.includes(metadata.get('general.type') ?? '')) throw refuse('general.type', ['model'])
  // Blocks of an older kind; numbers that are no blocks have always been the same.
  const hasBlocks = [...tensors.values()].some(({ dtype }) => ggufDtypes[dtype].elements > 1)
  if (hasBlocks && (metadata.get('general.quantization_version') ?? 2) !== 2)
    throw refuse('general.quantization_version', [2])
  for (const [key, value] of metadata) {
    if (listOfKey(key, form) !== 'refused') continue
    const neutral = refused.get(general(key, form.architecture))!
    if (!isNothing(value, neutral)) throw refuse(key, neutral)
  }
  const keysOf = (list: KeyList) => [...metadata.keys()].filter((key) => listOfKey(key, form) === list)
  warnOfKeys(onWarning, where, keysOf('advice'), 'sampling that is not applied')
  warnOfUnknownKeys(onWarning, where, keysOf('unknown'))
}

/** `attention.causal` is the one that says something where it is false. */
function isNothing(value: GgufMetadataValue, neutral: readonly GgufMetadataValue[]): boolean {
  if (Array.isArray(value)) return value.every((element) => isNothing(element, neutral))
  if (neutral.includes(value)) return true
  return !neutral.includes(true) && (value === 0 || value === false || value === '')
}
