import { families, type ModelFamily } from '../../config/families/index'
import type { ModelConfig } from '../../config/index'
import { sizeLimits } from '../../config/size-limits'
import { GgufFields } from '../../files/gguf/fields'
import type { GgufFile } from '../../files/gguf/read'
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
  const architecture = String(file.metadata.get('general.architecture'))
  const fields = new GgufFields(file, architecture)
  const family = families.find(({ gguf }) => gguf.architecture === architecture)
  if (!family)
    throw fields.unsupported(
      `the architecture ${architecture} is not supported`,
      `Supported: ${[...new Set(families.map(({ gguf }) => gguf.architecture))].join(', ')}.`,
    )
  checkMetadata(file, family.gguf, onWarning)
  return { config: await readModel(file, fields, family), family }
}

async function readModel(file: GgufFile, fields: GgufFields, family: ModelFamily): Promise<ModelConfig> {
  const { tensors } = file
  const embedding = tensors.get('token_embd.weight')
  if (!embedding) throw fields.broken('it has no tensor "token_embd.weight"')
  const vocabularySize = embedding.shape[0]!
  if (vocabularySize > sizeLimits.vocabularySize)
    throw fields.broken(`it has ${vocabularySize} tokens; ${sizeLimits.vocabularySize} are the most`)
  const has = (name: string) => tensors.has(name)
  const { rotaryDim, ...heads } = readHeads(fields, family)
  const contextLength = fields.count('context_length', sizeLimits.contextLength)
  const layers = fields.count('block_count', sizeLimits.layers)
  const ropeTheta = fields.number('rope.freq_base', 10_000)
  const ropeScaling = await readRopeScaling(file, fields, {
    ...{ rotaryDim, ropeTheta, contextLength },
    kinds: family.gguf.ropeScaling,
  })
  const window = fields.get('attention.sliding_window')
  return {
    architecture: family.modelType,
    vocabularySize,
    intermediateSize: fields.count('feed_forward_length', sizeLimits.intermediateSize),
    layers,
    ...heads,
    contextLength,
    ropeTheta,
    ...(rotaryDim < heads.headDim && { rotaryDim }),
    ...(ropeScaling && { ropeScaling }),
    ...(has('blk.0.attn_q.bias') && {
      attentionBias: has('blk.0.attn_output.bias') ? ('all' as const) : ('qkv' as const),
    }),
    ...(has('blk.0.ffn_gate.bias') && { mlpBias: true }),
    ...(has('blk.0.attn_q_norm.weight') && { qkNorm: 'head' as const }),
    ...(window !== undefined &&
      window !== 0 && { slidingWindow: fields.count('attention.sliding_window', sizeLimits.contextLength) }),
    rmsNormEpsilon: fields.number('attention.layer_norm_rms_epsilon'),
    tieWordEmbeddings: !has('output.weight'),
    eosTokenIds: [],
    initializerRange: 0.02,
    ...family.gguf.implies?.({ ...heads, layers }),
    ...family.gguf.read?.(fields),
  }
}

function readHeads(
  fields: GgufFields,
  { gguf }: ModelFamily,
): Required<Pick<ModelConfig, 'hiddenSize' | 'heads' | 'kvHeads' | 'headDim' | 'rotaryDim'>> {
  const hiddenSize = fields.count('embedding_length', sizeLimits.hiddenSize)
  const heads = fields.count('attention.head_count', sizeLimits.heads)
  const kvHeads = fields.count('attention.head_count_kv', sizeLimits.kvHeads, heads)
  const headDim = fields.count('attention.key_length', sizeLimits.headDim, hiddenSize / heads)
  const valueDim = fields.count('attention.value_length', sizeLimits.headDim, hiddenSize / heads)
  const rotaryDim = fields.count('rope.dimension_count', sizeLimits.headDim, headDim)
  if (heads % kvHeads !== 0) throw fields.broken(`${heads} heads cannot share ${kvHeads} key and value heads`)
  if (headDim % 4 !== 0) throw fields.broken(`heads of ${headDim} are not a multiple of 4`)
  if (valueDim !== headDim)
    throw fields.unsupported(`heads of ${headDim} elements in keys and ${valueDim} in values are not supported`)
  const isPart = rotaryDim < headDim && rotaryDim % 2 === 0 && gguf.computes.includes('rotaryDim')
  if (rotaryDim !== headDim && !isPart)
    throw fields.unsupported(`rotating ${rotaryDim} of ${headDim} elements of a head is not supported`)
  return { hiddenSize, heads, kvHeads, headDim, rotaryDim }
}
