import { OutriderError } from '@outrider/tensor'
import { type OnWarning, warnOfKeys } from '../files/file-warning'
import { architectureOf } from './architecture'
import { layerTypesOf } from './by-layer'
import { checkConfigKeys } from './config-keys'
import { familyOf, type ModelFamily } from './families/index'
import { Fields, printed } from './fields'
import { readLayerTypes } from './layer-windows'
import { maskTokenToJson, readMaskToken } from './mask-token'
import type { Activation, ModelConfig } from './model-config'
import { readRopeByLayer } from './read-rope-by-layer'
import { type ModelSize, sizeLimits } from './size-limits'
import { readSpecialIds } from './special-ids'
import { writeRope } from './write-rope'

/**
 * Reads a Hugging Face config.json by transformers' rules.
 *
 * @param json       the parsed file
 * @param file       its name, for errors
 * @param onWarning  is told of keys that nobody knows, and of what is passed over for another reason
 * @throws OutriderError UNSUPPORTED for an architecture or a feature that is not implemented, by name;
 *   FILE_FORMAT for a field that is missing or has a value it cannot have
 */
export function parseConfig(json: unknown, file = 'config.json', onWarning?: OnWarning): ModelConfig {
  const fields = new Fields(json, file)
  const family = architectureOf(fields)
  checkConfigKeys(fields, family, onWarning)
  return readModel(fields, family, onWarning)
}

function readModel(fields: Fields, family: ModelFamily, onWarning?: OnWarning): ModelConfig {
  refuseUnsupported(fields, family)
  const { defaults } = family
  const size = (name: ModelSize, field: string, fallback?: number) => fields.count(field, fallback, sizeLimits[name])
  const heads = size('heads', 'num_attention_heads')
  const absent = fields.has('num_key_value_heads') ? heads : (defaults?.kvHeads ?? heads)
  const kvHeads = size('kvHeads', 'num_key_value_heads', heads % absent === 0 ? absent : heads)
  if (heads % kvHeads !== 0) throw fields.wrong('num_key_value_heads', `a divisor of num_attention_heads (${heads})`)
  const hiddenSize = size('hiddenSize', 'hidden_size')
  const headWidth = defaults?.headDim ?? hiddenSize / heads
  if (fields.get('head_dim') === undefined && !defaults?.headDim && hiddenSize % heads !== 0)
    throw fields.wrong('hidden_size', `a multiple of num_attention_heads (${heads}), or head_dim must be given`)
  const headDim = size('headDim', 'head_dim', headWidth)
  if (headDim % 4 !== 0)
    throw fields.wrong('head_dim', `a multiple of 4, which attention loads at once; it is ${headDim}`)
  const layers = size('layers', 'num_hidden_layers')
  const vocabularySize = size('vocabularySize', 'vocab_size')
  const contextLength = size('contextLength', 'max_position_embeddings', defaults?.contextLength ?? 2048)
  const layerTypes = readLayerTypes(fields, layers)
  const own = family.read?.(fields, { layers, contextLength, layerTypes })
  const passedOver: string[] = []
  const rope = readRopeByLayer(fields, {
    family,
    headDim,
    contextLength,
    ropeTheta: defaults?.ropeTheta,
    layerTypes: layerTypes ?? layerTypesOf({ layers, ...own }),
    passOver: (key) => passedOver.push(key),
  })
  warnOfKeys(onWarning, fields.file, passedOver, 'of no meaning to this kind of rotary positions, and ignored')
  return {
    architecture: family.modelType,
    vocabularySize,
    hiddenSize,
    intermediateSize: size('intermediateSize', 'intermediate_size'),
    layers,
    heads,
    kvHeads,
    headDim,
    contextLength,
    ...rope,
    rmsNormEpsilon: fields.positive('rms_norm_eps', defaults?.rmsNormEpsilon ?? 1e-6),
    tieWordEmbeddings: fields.flag('tie_word_embeddings', defaults?.tieWordEmbeddings ?? false),
    ...readSpecialIds(fields, family, vocabularySize, onWarning),
    ...readMaskToken(fields, vocabularySize, onWarning),
    initializerRange: initializerRange(fields),
    ...own,
  }
}

/** Nothing that is read is initialised: what is no such number does not matter. */
function initializerRange(fields: Fields): number {
  const range = fields.get('initializer_range')
  return typeof range === 'number' && Number.isFinite(range) && range > 0 ? range : 0.02
}

/** transformers' names of activations. */
const activationNames: Record<Activation, readonly [string, ...string[]]> = {
  silu: ['silu', 'swish'],
  gelu_tanh: ['gelu_pytorch_tanh'],
}

/** Whatever would change the computation and is not implemented must not be passed over. */
function refuseUnsupported(fields: Fields, { activation = 'silu', usedKeys = [] }: ModelFamily): void {
  const [name, ...others] = activationNames[activation]
  for (const key of ['hidden_act', ...usedKeys.filter((used) => used === 'hidden_activation')]) {
    const said = fields.get(key) ?? name
    if (said !== name && !others.includes(said as string))
      throw fields.unsupported(
        `${key} ${printed(said)} is not supported`,
        `Supported: ${name}${others.map((other) => ` (or ${other})`).join('')}.`,
      )
  }
  const quantization = fields.get('quantization_config') as { quant_method?: unknown } | undefined
  if (quantization !== undefined)
    throw fields.unsupported(
      `quantised weights (${quantization.quant_method === undefined ? 'quantization_config' : printed(quantization.quant_method)}) are not supported`,
      'Use the F32, F16 or BF16 checkpoint of the model.',
    )
}

/**
 * The config.json of a model: what `parseConfig` reads, and transformers, vLLM and llama.cpp with it.
 *
 * @throws OutriderError UNSUPPORTED for tensors that the family's config.json has no word for: GGUF says them by having them
 */
export function configToJson(config: ModelConfig): Record<string, unknown> {
  const family = familyOf(config)
  const json = {
    architectures: [family.className],
    model_type: family.modelType,
    vocab_size: config.vocabularySize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headDim,
    hidden_act: activationNames[config.activation ?? 'silu'][0],
    max_position_embeddings: config.contextLength,
    rms_norm_eps: config.rmsNormEpsilon,
    ...writeRope(config),
    tie_word_embeddings: config.tieWordEmbeddings,
    bos_token_id: config.bosTokenId ?? null,
    eos_token_id: oneOrMany(config.eosTokenIds),
    pad_token_id: config.padTokenId ?? null,
    ...maskTokenToJson(config),
    initializer_range: config.initializerRange,
    torch_dtype: 'float32',
    ...family.write?.(config),
  }
  checkSaid(config, json, family)
  return json
}

/** What says which tensors a model has, beyond its sizes. Whoever reads the file would not find them, or pass them over. */
function checkSaid(config: ModelConfig, json: Record<string, unknown>, { modelType, read }: ModelFamily): void {
  const { layers, contextLength } = config
  const fields = new Fields(json, 'config.json')
  const said: Partial<ModelConfig> =
    read?.(fields, { layers, contextLength, layerTypes: readLayerTypes(fields, layers) }) ?? {}
  for (const field of ['attentionBias', 'mlpBias', 'qkNorm'] as const) {
    const [is, reads] = [config[field] || 'none', said[field] || 'none']
    if (is !== reads)
      throw new OutriderError(
        'UNSUPPORTED',
        `The config.json of ${modelType} cannot say ${field}: ${is}, which this model has; it would be read as ${reads}.`,
        { remedy: 'Save the model as GGUF.' },
      )
  }
}

/** Token ids as Hugging Face files write them: a number, a list, or null. */
export function oneOrMany(ids: readonly number[]): number | readonly number[] | null {
  return ids.length > 1 ? ids : (ids[0] ?? null)
}
