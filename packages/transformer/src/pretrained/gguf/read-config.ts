import { OutriderError } from '@outrider/tensor'
import { families, type ModelFamily } from '../../config/families/index'
import type { ModelConfig } from '../../config/index'
import { type ModelSize, sizeLimits } from '../../config/size-limits'
import type { GgufFile, GgufMetadataValue } from '../../files/gguf/read'
import type { OnWarning } from '../../files/index'
import { checkMetadata } from './metadata-keys'
import { readRopeScaling } from './rope-scaling'

/**
 * The configuration of a model in a GGUF file: hyperparameters from the metadata, and what a family may or may not have from
 * the tensors that are there. The tokens that it names are the tokenizer's to say.
 *
 * @throws OutriderError UNSUPPORTED for architectures and features that are not implemented, by name; FILE_FORMAT
 */
export async function readGgufConfig(
  file: GgufFile,
  onWarning?: OnWarning,
): Promise<{ config: ModelConfig; family: ModelFamily }> {
  const { metadata, tensors, where } = file
  const architecture = metadata.get('general.architecture')
  const family = families.find(({ gguf }) => gguf.architecture === architecture)
  if (!family)
    throw unsupported(
      where,
      `the architecture ${String(architecture)} is not supported`,
      `Supported: ${[...new Set(families.map(({ gguf }) => gguf.architecture))].join(', ')}.`,
    )
  const number = (key: string, fallback?: number): number => {
    const value = metadata.get(`${architecture}.${key}`) ?? fallback
    // Files hold f32: seven digits are what the number was meant to be.
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) return Number(value.toPrecision(7))
    throw broken(where, `${architecture}.${key} is ${value === undefined ? 'missing' : JSON.stringify(value)}`)
  }
  /** A value, or the one that a list has for every layer. */
  const uniform = (key: string): GgufMetadataValue | undefined => {
    const value = metadata.get(`${architecture}.${key}`)
    if (!Array.isArray(value) || value.length === 0) return value
    if (value.every((element) => element === value[0])) return value[0]
    throw unsupported(where, `${architecture}.${key} differs from layer to layer, which is not supported`)
  }
  const size = (name: ModelSize, key: string, fallback?: number): number => {
    const value = uniform(key) ?? fallback
    const most = sizeLimits[name]
    if (Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= most) return value as number
    throw broken(
      where,
      `${architecture}.${key} is ${value === undefined ? 'missing' : JSON.stringify(value)}; it must be a positive whole number of at most ${most}`,
    )
  }
  checkMetadata(file, String(architecture), onWarning)

  const embedding = tensors.get('token_embd.weight')
  if (!embedding) throw broken(where, 'it has no tensor "token_embd.weight"')
  const vocabularySize = embedding.shape[0]!
  if (vocabularySize > sizeLimits.vocabularySize)
    throw broken(where, `it has ${vocabularySize} tokens; ${sizeLimits.vocabularySize} are the most`)
  const hiddenSize = size('hiddenSize', 'embedding_length')
  const heads = size('heads', 'attention.head_count')
  const kvHeads = size('kvHeads', 'attention.head_count_kv', heads)
  const headDim = size('headDim', 'attention.key_length', hiddenSize / heads)
  const valueDim = size('headDim', 'attention.value_length', hiddenSize / heads)
  const rotated = size('headDim', 'rope.dimension_count', headDim)
  if (heads % kvHeads !== 0) throw broken(where, `${heads} heads cannot share ${kvHeads} key and value heads`)
  if (headDim % 4 !== 0) throw broken(where, `heads of ${headDim} are not a multiple of 4`)
  if (valueDim !== headDim)
    throw unsupported(where, `heads of ${headDim} elements in keys and ${valueDim} in values are not supported`)
  if (rotated !== headDim)
    throw unsupported(where, `rotating ${rotated} of ${headDim} elements of a head is not supported`)
  const ropeTheta = number('rope.freq_base', 10_000)
  const ropeScaling = await readRopeScaling(file, String(architecture), { headDim, ropeTheta })
  const window = Number(metadata.get(`${architecture}.attention.sliding_window`) ?? 0)
  const has = (name: string) => tensors.has(name)
  const config: ModelConfig = {
    architecture: family.modelType,
    vocabularySize,
    hiddenSize,
    intermediateSize: size('intermediateSize', 'feed_forward_length'),
    layers: size('layers', 'block_count'),
    heads,
    kvHeads,
    headDim,
    contextLength: size('contextLength', 'context_length'),
    ropeTheta,
    ...(ropeScaling && { ropeScaling }),
    ...(has('blk.0.attn_q.bias') && {
      attentionBias: has('blk.0.attn_output.bias') ? ('all' as const) : ('qkv' as const),
    }),
    ...(has('blk.0.ffn_gate.bias') && { mlpBias: true }),
    ...(has('blk.0.attn_q_norm.weight') && { qkNorm: 'head' }),
    ...(window > 0 && { slidingWindow: size('contextLength', 'attention.sliding_window') }),
    rmsNormEpsilon: number('attention.layer_norm_rms_epsilon'),
    tieWordEmbeddings: !has('output.weight'),
    eosTokenIds: [],
    initializerRange: 0.02,
  }
  return { config, family }
}

const broken = (where: string, what: string) =>
  new OutriderError('FILE_FORMAT', `${where}: ${what}.`, { details: { file: where } })

const unsupported = (where: string, what: string, remedy?: string) =>
  new OutriderError('UNSUPPORTED', `${where}: ${what}.`, { remedy, details: { file: where } })
