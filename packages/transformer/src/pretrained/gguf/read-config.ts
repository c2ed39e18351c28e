import { OutriderError } from '@outrider/tensor'
import { families, type ModelFamily } from '../../config/families/index'
import type { ModelConfig, RopeScaling } from '../../config/index'
import { rotaryFrequencies } from '../../config/rope-scaling'
import { type ModelSize, sizeLimits } from '../../config/size-limits'
import { type GgufFile, readGgufFloats } from '../../files/gguf/read'

/**
 * The configuration of a model in a GGUF file: hyperparameters from the metadata, and what a family may or may not have from
 * the tensors that are there.
 *
 * @throws OutriderError UNSUPPORTED for architectures and features that are not implemented, by name; FILE_FORMAT
 */
export async function readGgufConfig(file: GgufFile): Promise<{ config: ModelConfig; family: ModelFamily }> {
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
  const size = (name: ModelSize, key: string, fallback?: number): number => {
    const value = metadata.get(`${architecture}.${key}`) ?? fallback
    const most = sizeLimits[name]
    if (Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= most) return value as number
    throw broken(
      where,
      `${architecture}.${key} is ${value === undefined ? 'missing' : JSON.stringify(value)}; it must be a positive whole number of at most ${most}`,
    )
  }
  if (Number(metadata.get(`${architecture}.expert_count`) ?? 0) > 0)
    throw unsupported(where, 'a mixture of experts is not supported', 'Use a dense model.')

  const embedding = tensors.get('token_embd.weight')
  if (!embedding) throw broken(where, 'it has no tensor "token_embd.weight"')
  const vocabularySize = embedding.shape[0]!
  if (vocabularySize > sizeLimits.vocabularySize)
    throw broken(where, `it has ${vocabularySize} tokens; ${sizeLimits.vocabularySize} are the most`)
  const hiddenSize = size('hiddenSize', 'embedding_length')
  const heads = size('heads', 'attention.head_count')
  const kvHeads = size('kvHeads', 'attention.head_count_kv', heads)
  const headDim = size('headDim', 'attention.key_length', hiddenSize / heads)
  const rotated = size('headDim', 'rope.dimension_count', headDim)
  if (heads % kvHeads !== 0) throw broken(where, `${heads} heads cannot share ${kvHeads} key and value heads`)
  if (headDim % 4 !== 0) throw broken(where, `heads of ${headDim} are not a multiple of 4`)
  if (rotated !== headDim)
    throw unsupported(where, `rotating ${rotated} of ${headDim} elements of a head is not supported`)
  const ropeTheta = number('rope.freq_base', 10_000)
  const ropeScaling = await readScaling(file, String(architecture), { headDim, ropeTheta })
  const window = Number(metadata.get(`${architecture}.attention.sliding_window`) ?? 0)
  const has = (name: string) => tensors.has(name)
  const special = (name: string) => {
    const id = metadata.get(`tokenizer.ggml.${name}_token_id`)
    return typeof id === 'number' ? id : undefined
  }
  const [bosTokenId, padTokenId] = [special('bos'), special('padding')]
  const ends = [special('eos'), special('eot'), special('eom')].filter((id) => id !== undefined)
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
    ...(has('blk.0.attn_q_norm.weight') && { qkNorm: true }),
    ...(window > 0 && { slidingWindow: size('contextLength', 'attention.sliding_window') }),
    rmsNormEpsilon: number('attention.layer_norm_rms_epsilon'),
    tieWordEmbeddings: !has('output.weight'),
    ...(bosTokenId !== undefined && { bosTokenId }),
    eosTokenIds: [...new Set(ends)],
    ...(padTokenId !== undefined && { padTokenId }),
    initializerRange: 0.02,
  }
  return { config, family }
}

/** Llama 3's numbers, of which a GGUF file holds only the outcome. */
const llama3 = { type: 'llama3', lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContextLength: 8192 } as const

async function readScaling(
  file: GgufFile,
  architecture: string,
  rotary: { headDim: number; ropeTheta: number },
): Promise<RopeScaling | undefined> {
  const { metadata, tensors, where } = file
  const factors = tensors.get('rope_freqs.weight')
  if (factors) {
    if (factors.shape.length !== 1 || factors.shape[0] !== rotary.headDim / 2)
      throw broken(where, `"rope_freqs.weight" is [${factors.shape.join(', ')}], not [${rotary.headDim / 2}]`)
    const stored = await readGgufFloats(file, factors)
    const plain = rotaryFrequencies(rotary)
    // The slowest turn tells the factor: 1 / stored = kept + (1 − kept) / factor.
    const turns = (llama3.originalContextLength * plain.at(-1)!) / (2 * Math.PI)
    const kept = Math.min(1, Math.max(0, (turns - 1) / 3))
    const scaling = { ...llama3, factor: Number(((1 - kept) / (1 / (stored.at(-1) ?? 1) - kept)).toPrecision(4)) }
    const expected = rotaryFrequencies({ ...rotary, ropeScaling: scaling })
    if (stored.every((factor, i) => Math.abs(plain[i]! / expected[i]! / factor - 1) < 1e-3)) return scaling
    throw unsupported(where, "rotary frequencies that are not scaled as Llama 3's are not supported")
  }
  const type = metadata.get(`${architecture}.rope.scaling.type`) ?? 'none'
  if (type === 'none') return undefined
  const factor = metadata.get(`${architecture}.rope.scaling.factor`)
  if (type === 'linear' && typeof factor === 'number' && factor > 0) return { type, factor }
  throw unsupported(where, `rotary scaling of type ${JSON.stringify(type)} is not supported`)
}

const broken = (where: string, what: string) =>
  new OutriderError('FILE_FORMAT', `${where}: ${what}.`, { details: { file: where } })

const unsupported = (where: string, what: string, remedy?: string) =>
  new OutriderError('UNSUPPORTED', `${where}: ${what}.`, { remedy, details: { file: where } })
