import { Fields } from './fields'
import type { ModelConfig } from './model-config'

/** Readers by the names that `architectures` and `model_type` have in a config.json. A new architecture is a line here. */
const readers: Record<string, (fields: Fields) => ModelConfig> = {
  LlamaForCausalLM: readLlama,
  llama: readLlama,
}

/**
 * Reads a Hugging Face config.json.
 *
 * @param json  the parsed file
 * @param file  its name, for errors
 * @throws OutriderError UNSUPPORTED for an architecture or a feature that is not implemented, by name;
 *   FILE_FORMAT for a field that is missing or has a value it cannot have
 */
export function parseConfig(json: unknown, file = 'config.json'): ModelConfig {
  const fields = new Fields(json, file)
  const architectures = fields.get('architectures')
  const name = (Array.isArray(architectures) ? architectures[0] : undefined) ?? fields.get('model_type')
  if (typeof name !== 'string') throw fields.wrong('architectures', 'a list with the name of the architecture')
  if (!Object.hasOwn(readers, name))
    throw fields.unsupported(
      `the architecture ${name} is not supported`,
      'Supported: LlamaForCausalLM (Llama 2, TinyLlama, SmolLM2 and others of that form).',
    )
  return readers[name]!(fields)
}

function readLlama(fields: Fields): ModelConfig {
  refuseUnsupported(fields)
  const heads = fields.count('num_attention_heads')
  const kvHeads = fields.count('num_key_value_heads', heads)
  if (heads % kvHeads !== 0) throw fields.wrong('num_key_value_heads', `a divisor of num_attention_heads (${heads})`)
  const hiddenSize = fields.count('hidden_size')
  if (fields.get('head_dim') === undefined && hiddenSize % heads !== 0)
    throw fields.wrong('hidden_size', `a multiple of num_attention_heads (${heads}), or head_dim must be given`)
  const headDim = fields.count('head_dim', hiddenSize / heads)
  if (headDim % 2 !== 0) throw fields.wrong('head_dim', `even, as rotary embedding turns pairs; it is ${headDim}`)
  const bosTokenId = fields.token('bos_token_id')
  const padTokenId = fields.token('pad_token_id')
  return {
    architecture: 'llama',
    vocabularySize: fields.count('vocab_size'),
    hiddenSize,
    intermediateSize: fields.count('intermediate_size'),
    layers: fields.count('num_hidden_layers'),
    heads,
    kvHeads,
    headDim,
    contextLength: fields.count('max_position_embeddings', 2048),
    ropeTheta: readRopeTheta(fields),
    rmsNormEpsilon: fields.positive('rms_norm_eps', 1e-6),
    tieWordEmbeddings: fields.flag('tie_word_embeddings', false),
    ...(bosTokenId === undefined ? {} : { bosTokenId }),
    eosTokenIds: fields.tokens('eos_token_id'),
    ...(padTokenId === undefined ? {} : { padTokenId }),
    initializerRange: fields.positive('initializer_range', 0.02),
  }
}

/** Whatever would change the computation and is not implemented must not be passed over. */
function refuseUnsupported(fields: Fields): void {
  const activation = fields.get('hidden_act') ?? 'silu'
  if (activation !== 'silu')
    throw fields.unsupported(`hidden_act ${JSON.stringify(activation)} is not supported`, 'Supported: silu.')
  for (const bias of ['attention_bias', 'mlp_bias'])
    if (fields.flag(bias, false))
      throw fields.unsupported(`${bias} true is not supported`, 'Supported: layers without bias.')
  const quantization = fields.get('quantization_config') as { quant_method?: unknown } | undefined
  if (quantization !== undefined)
    throw fields.unsupported(
      `quantised weights (${quantization.quant_method ?? 'quantization_config'}) are not supported`,
      'Use the F32, F16 or BF16 checkpoint of the model.',
    )
}

/** `rope_theta` with `rope_scaling`, or `rope_parameters`, which holds both since transformers 5. */
function readRopeTheta(fields: Fields): number {
  for (const field of ['rope_scaling', 'rope_parameters']) {
    const value = fields.get(field)
    if (value === undefined) continue
    if (typeof value !== 'object') throw fields.wrong(field, 'an object or null')
    const { rope_type: ropeType, type } = value as { rope_type?: unknown; type?: unknown }
    const scaling = ropeType ?? type ?? 'default'
    if (scaling !== 'default')
      throw fields.unsupported(
        `${field} of type ${JSON.stringify(scaling)} is not supported`,
        'Supported: none, or the type "default".',
      )
  }
  const parameters = fields.get('rope_parameters')
  const inParameters = (parameters as { rope_theta?: unknown } | undefined)?.rope_theta
  if (fields.get('rope_theta') !== undefined || inParameters === undefined) return fields.positive('rope_theta', 10_000)
  if (typeof inParameters === 'number' && inParameters > 0) return inParameters
  throw fields.wrong('rope_parameters', 'an object whose rope_theta is a positive number')
}

/** The config.json of a model: what `parseConfig` reads, and transformers, vLLM and llama.cpp with it. */
export function configToJson(config: ModelConfig): Record<string, unknown> {
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: config.architecture,
    vocab_size: config.vocabularySize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headDim,
    hidden_act: 'silu',
    attention_bias: false,
    mlp_bias: false,
    max_position_embeddings: config.contextLength,
    rms_norm_eps: config.rmsNormEpsilon,
    rope_theta: config.ropeTheta,
    rope_scaling: null,
    tie_word_embeddings: config.tieWordEmbeddings,
    bos_token_id: config.bosTokenId ?? null,
    eos_token_id: oneOrMany(config.eosTokenIds),
    pad_token_id: config.padTokenId ?? null,
    initializer_range: config.initializerRange,
    torch_dtype: 'float32',
  }
}

/** Token ids as Hugging Face files write them: a number, a list, or null. */
export function oneOrMany(ids: readonly number[]): number | readonly number[] | null {
  return ids.length > 1 ? ids : (ids[0] ?? null)
}
