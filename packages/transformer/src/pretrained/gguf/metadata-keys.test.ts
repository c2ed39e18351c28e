import { describe, expect, it } from 'vitest'
import type { GgufDtype } from '../../files/gguf/dtype'
import type { GgufMetadataValue } from '../../files/gguf/read'
import { type FileWarning, memoryDirectory } from '../../files/index'
import { checkMetadata, listOfKey } from './metadata-keys'

/** The keys of llama.cpp v0.5.0 (LLM_KV_NAMES of src/llama-arch.cpp), `%s` for the architecture. */
const everyKey = `general.type general.architecture general.quantization_version general.alignment general.file_type
  general.sampling.sequence general.sampling.top_k general.sampling.top_p general.sampling.min_p
  general.sampling.xtc_probability general.sampling.xtc_threshold general.sampling.temp
  general.sampling.penalty_last_n general.sampling.penalty_repeat general.sampling.mirostat
  general.sampling.mirostat_tau general.sampling.mirostat_eta general.name general.author general.version
  general.url general.description general.license general.source.url general.source.huggingface.repository
  %s.vocab_size %s.context_length %s.embedding_length %s.embedding_length_out %s.embedding_length_per_layer_input
  %s.features_length %s.block_count %s.leading_dense_block_count %s.attn_res.block_size %s.activation.situ_beta
  %s.activation.situ_linear_beta %s.feed_forward_length %s.expert_feed_forward_length
  %s.expert_shared_feed_forward_length %s.expert_chunk_feed_forward_length %s.swiglu_clamp_exp
  %s.swiglu_clamp_shexp %s.use_parallel_residual %s.tensor_data_layout %s.expert_count %s.expert_used_count
  %s.expert_shared_count %s.expert_group_count %s.expert_group_used_count %s.expert_weights_scale
  %s.expert_weights_norm %s.expert_latent_length %s.expert_gating_func %s.expert_group_scale %s.experts_per_group
  %s.moe_every_n_layers %s.moe_latent_size %s.nextn_predict_layers %s.n_deepstack_layers %s.deepstack_mapping
  %s.hidden_activation %s.pooling_type %s.logit_scale %s.decoder_start_token_id %s.decoder_block_count
  %s.attn_logit_softcapping %s.router_logit_softcapping %s.final_logit_softcapping %s.swin_norm
  %s.rescale_every_n_layers %s.time_mix_extra_dim %s.time_decay_extra_dim %s.residual_scale %s.embedding_scale
  %s.adapters.count %s.adapters.token_ids_activate %s.adapters.token_ids_substitute %s.adapters.lora_rank
  %s.adapters.router_gain %s.token_shift_count %s.interleave_moe_layer_step %s.full_attention_interval
  %s.num_loops %s.skip_loop_final_norm %s.hrm.layers_per_stack %s.hrm.h_cycles %s.hrm.l_cycles %s.hrm.prefix_lm
  %s.attention.head_count %s.attention.head_count_kv %s.attention.max_alibi_bias %s.attention.clamp_kqv
  %s.attention.key_length %s.attention.value_length %s.attention.layer_norm_epsilon
  %s.attention.layer_norm_rms_epsilon %s.attention.group_norm_epsilon %s.attention.group_norm_groups
  %s.attention.causal %s.attention.q_lora_rank %s.attention.kv_lora_rank %s.attention.decay_lora_rank
  %s.attention.iclr_lora_rank %s.attention.value_residual_mix_lora_rank %s.attention.gate_lora_rank
  %s.attention.relative_buckets_count %s.attention.sliding_window %s.attention.sliding_window_pattern
  %s.attention.rope_pattern %s.attention.scale %s.attention.output_scale %s.attention.value_scale
  %s.attention.temperature_length %s.attention.temperature_scale %s.attention.key_length_mla
  %s.attention.value_length_mla %s.attention.key_length_swa %s.attention.value_length_swa
  %s.attention.key_length_mla_swa %s.attention.value_length_mla_swa %s.attention.kv_lora_rank_swa
  %s.attention.indexer.head_count %s.attention.indexer.key_length %s.attention.indexer.top_k
  %s.attention.indexer.block_size %s.attention.indexer.local_blocks %s.attention.indexer.types
  %s.attention.output_group_count %s.attention.output_lora_rank %s.attention.compress_rope_freq_base
  %s.attention.compress_ratios %s.attention.shared_kv_layers %s.attention.recurrent_layers
  %s.hyper_connection.count %s.hyper_connection.sinkhorn_iterations %s.hyper_connection.epsilon
  %s.hyper_connection.magnitude %s.hyper_connection.low_rank %s.ple.layers %s.ple.ngram_size
  %s.ple.heads_per_ngram %s.ple.conv_kernel %s.ple.layer_multipliers %s.ple.head_offsets %s.ple.head_vocab_sizes
  %s.ple.eos_token_id %s.ple.image_token_id %s.hash_layer_count %s.rope.dimension_count
  %s.rope.dimension_count_swa %s.rope.dimension_sections %s.rope.freq_base %s.rope.freq_base_swa
  %s.rope.scale_linear %s.rope.scaling.type %s.rope.scaling.factor %s.rope.scaling.alpha
  %s.rope.scaling.attn_factor %s.rope.scaling.original_context_length %s.rope.scaling.finetuned
  %s.rope.scaling.yarn_log_multiplier %s.rope.scaling.yarn_ext_factor %s.rope.scaling.yarn_attn_factor
  %s.rope.scaling.yarn_beta_fast %s.rope.scaling.yarn_beta_slow split.no split.count split.tensors.count
  %s.ssm.conv_kernel %s.ssm.inner_size %s.ssm.state_size %s.ssm.time_step_rank %s.ssm.group_count
  %s.ssm.dt_b_c_rms %s.kda.head_dim %s.kda.safe_gate %s.kda.gate_lower_bound %s.wkv.head_size
  %s.posnet.embedding_length %s.posnet.block_count %s.convnext.embedding_length %s.convnext.block_count
  %s.classifier.output_labels %s.target_layers %s.target_hidden_size %s.norm_before_residual %s.norm_before_fc
  %s.block_size %s.conv_kernel_size %s.conv_group_size %s.selector_rank %s.selector_top_k %s.shortconv.l_cache
  %s.dense_2_feat_in %s.dense_2_feat_out %s.dense_3_feat_in %s.dense_3_feat_out tokenizer.ggml.model
  tokenizer.ggml.pre tokenizer.ggml.tokens tokenizer.ggml.token_type tokenizer.ggml.token_type_count
  tokenizer.ggml.scores tokenizer.ggml.merges tokenizer.ggml.bos_token_id tokenizer.ggml.eos_token_id
  tokenizer.ggml.eot_token_id tokenizer.ggml.eom_token_id tokenizer.ggml.unknown_token_id
  tokenizer.ggml.seperator_token_id tokenizer.ggml.padding_token_id tokenizer.ggml.cls_token_id
  tokenizer.ggml.mask_token_id tokenizer.ggml.add_bos_token tokenizer.ggml.add_eos_token
  tokenizer.ggml.add_sep_token tokenizer.ggml.add_space_prefix tokenizer.ggml.remove_extra_whitespaces
  tokenizer.ggml.precompiled_charsmap tokenizer.huggingface.json tokenizer.rwkv.world tokenizer.chat_template
  tokenizer.ggml.normalizer.lowercase tokenizer.ggml.normalizer.strip_accents tokenizer.ggml.fim_pre_token_id
  tokenizer.ggml.fim_suf_token_id tokenizer.ggml.fim_mid_token_id tokenizer.ggml.fim_pad_token_id
  tokenizer.ggml.fim_rep_token_id tokenizer.ggml.fim_sep_token_id tokenizer.ggml.suppress_tokens adapter.type
  adapter.lora.alpha adapter.lora.task_name adapter.lora.prompt_prefix adapter.alora.invocation_tokens
  xielu.alpha_n xielu.alpha_p xielu.beta xielu.eps tokenizer.ggml.prefix_token_id tokenizer.ggml.suffix_token_id
  tokenizer.ggml.middle_token_id`

const keys = everyKey.split(/\s+/)

const warnings = (metadata: Record<string, GgufMetadataValue>, dtype: GgufDtype = 'F32') => {
  const told: FileWarning[] = []
  const tensors = new Map([['t', { name: 't', dtype, shape: [32], file: 'm.gguf', start: 0, end: 0 }]])
  const file = { directory: memoryDirectory(), file: 'm.gguf', where: 'm.gguf', tensors }
  checkMetadata({ ...file, metadata: new Map(Object.entries(metadata)) }, { architecture: 'llama' }, (warning) =>
    told.push(warning),
  )
  return told.map(({ message }) => message)
}

describe('the keys of a GGUF file', () => {
  it('stand in a list each, all that llama.cpp knows', () => {
    expect(keys.length).toBeGreaterThan(200)
    expect(
      keys.filter((key) => listOfKey(key.replace('%s', 'qwen2'), { architecture: 'qwen2' }) === 'unknown'),
    ).toEqual([])
  })

  const refused = keys
    .map((key) => key.replace('%s', 'llama'))
    .filter((key) => listOfKey(key, { architecture: 'llama' }) === 'refused')

  it.each(refused)('are refused by name where they say what is not done: %s', (key) => {
    const value = key === 'llama.attention.causal' ? false : 7
    expect(() => warnings({ [key]: value })).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED', message: expect.stringContaining(`${key} is ${value}, which`) }),
    )
  })

  it('may say that nothing is done', () => {
    const nothing = Object.fromEntries(refused.map((key): [string, GgufMetadataValue] => [key, 0]))
    expect(
      warnings({
        ...nothing,
        'llama.attention.causal': true,
        'llama.logit_scale': 1,
        'llama.hidden_activation': 'silu',
        'llama.rope.dimension_sections': [0, 0, 0, 0],
        'llama.expert_weights_norm': false,
      }),
    ).toEqual([])
  })

  it('are told of once where nobody knows them, or where they advise sampling that is not applied', () => {
    expect(
      warnings({
        'llama.future_feature': 1,
        'qwen2.context_length': 1,
        'tokenizer.ggml.future': 'x',
        'general.author': 'somebody',
        'general.future': 1,
        'quantize.imatrix.file': 'x',
        'general.sampling.xtc_probability': 0.1,
        'general.sampling.future': 1,
        'general.sampling.temp': 0.5,
      }),
    ).toEqual([
      'm.gguf: sampling that is not applied: general.sampling.xtc_probability and general.sampling.future.',
      'm.gguf: not known here, and ignored: llama.future_feature, qwen2.context_length and tokenizer.ggml.future.',
    ])
  })

  it.each(['adapter', 'mmproj', 'imatrix', 'controlvector'])('say that the file is no model: %s', (type) => {
    expect(() => warnings({ 'general.type': type })).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED', message: expect.stringContaining(`general.type is "${type}"`) }),
    )
  })

  it('say that blocks are of an older kind, which counts where there are blocks', () => {
    expect(warnings({ 'general.quantization_version': 2 }, 'Q8_0')).toEqual([])
    expect(warnings({ 'general.quantization_version': 1 }, 'F16')).toEqual([])
    expect(() => warnings({ 'general.quantization_version': 1 }, 'Q8_0')).toThrow(/quantization_version is 1/)
  })
})
