import { OutriderError } from '@outrider/tensor'
import type { GenerationConfig, ModelConfig } from '../../config/index'
import type { GgufValue } from '../../files/gguf/value'

const u32 = (value: number): GgufValue => ({ type: 'u32', value })
const f32 = (value: number): GgufValue => ({ type: 'f32', value })

/**
 * The hyperparameters in llama.cpp's keys. llama.cpp does not apply a sliding window in these architectures, so the context
 * is cut to where a window makes no difference.
 *
 * @throws OutriderError UNSUPPORTED for what llama.cpp does not compute in the architecture
 */
export function configMetadata(config: ModelConfig, architecture: string): Map<string, GgufValue> {
  checkComputed(config, architecture)
  const own: Record<string, GgufValue> = {
    vocab_size: u32(config.vocabularySize),
    context_length: u32(Math.min(config.contextLength, config.slidingWindow ?? config.contextLength)),
    embedding_length: u32(config.hiddenSize),
    feed_forward_length: u32(config.intermediateSize),
    block_count: u32(config.layers),
    'attention.head_count': u32(config.heads),
    'attention.head_count_kv': u32(config.kvHeads),
    'attention.key_length': u32(config.headDim),
    'attention.value_length': u32(config.headDim),
    'attention.layer_norm_rms_epsilon': f32(config.rmsNormEpsilon),
    'rope.dimension_count': u32(config.headDim),
    'rope.freq_base': f32(config.ropeTheta),
    ...(config.ropeScaling?.type === 'linear' && {
      'rope.scaling.type': { type: 'string', value: 'linear' },
      'rope.scaling.factor': f32(config.ropeScaling.factor),
    }),
  }
  return new Map(Object.entries(own).map(([key, value]) => [`${architecture}.${key}`, value]))
}

/** How the authors mean the model to be sampled, which llama.cpp takes for what its user does not say. */
export function samplingMetadata({ doSample, temperature, topK, topP }: GenerationConfig): Map<string, GgufValue> {
  const metadata = new Map<string, GgufValue>()
  if (!doSample) return metadata
  if (temperature !== undefined) metadata.set('general.sampling.temp', f32(temperature))
  if (topK !== undefined) metadata.set('general.sampling.top_k', { type: 'i32', value: topK })
  if (topP !== undefined) metadata.set('general.sampling.top_p', f32(topP))
  return metadata
}

/** What of the optional parts llama.cpp computes, by its architectures. */
const computed: Readonly<Record<string, { bias?: readonly string[]; qkNorm?: boolean; frequencies?: boolean }>> = {
  llama: { bias: ['qkv', 'all'], frequencies: true },
  qwen2: { bias: ['qkv'] },
  qwen3: { qkNorm: true },
  phi3: {},
}

function checkComputed(config: ModelConfig, architecture: string): void {
  const { bias = [], qkNorm = false, frequencies = false } = computed[architecture] ?? {}
  const refuse = (what: string) =>
    new OutriderError(
      'UNSUPPORTED',
      `llama.cpp has no ${what} in its architecture ${architecture}, and this model has.`,
      {
        remedy: 'Save a Hugging Face directory.',
      },
    )
  // Whoever adds a field says here what becomes of it.
  const { attentionBias, qkNorm: hasQkNorm, ropeScaling, hiddenSize, heads, headDim, ...others } = config
  const written: Record<Exclude<keyof typeof others, WrittenField | UnsaidField>, never> = {}
  void written
  const unsaid = unsaidFields.find((field) => config[field] !== undefined)
  if (unsaid) throw refuse(unsaid)
  if (attentionBias && !bias.includes(attentionBias))
    throw refuse(attentionBias === 'all' ? 'bias after attention' : 'bias of queries, keys and values')
  if (hasQkNorm && !qkNorm) throw refuse('norm of queries and keys')
  if (ropeScaling?.type === 'llama3' && !frequencies) throw refuse("rotary scaling as Llama 3's")
  if (architecture === 'phi3' && heads * headDim !== hiddenSize)
    throw refuse(`${heads} heads of ${headDim} beside a hidden size of ${hiddenSize}`)
}

/** Fields that llama.cpp has no key for in these architectures. */
const unsaidFields = [
  'rotaryDim',
  'slidingRope',
  'layersWithoutRope',
  'layerTypes',
  'attentionScale',
  'attentionSoftCap',
  'activation',
  'normPlacement',
  'normOffset',
  'embeddingScale',
  'residualScale',
  'logitScale',
  'logitSoftCap',
] as const

type UnsaidField = (typeof unsaidFields)[number]

/** Fields that are written as they are, or have no part in what a model answers. */
type WrittenField =
  | 'architecture'
  | 'vocabularySize'
  | 'intermediateSize'
  // Of llama alone, which llama.cpp computes with them.
  | 'mlpBias'
  | 'layers'
  | 'kvHeads'
  | 'contextLength'
  | 'ropeTheta'
  | 'slidingWindow'
  | 'rmsNormEpsilon'
  | 'tieWordEmbeddings'
  | 'bosTokenId'
  | 'eosTokenIds'
  | 'padTokenId'
  | 'initializerRange'
