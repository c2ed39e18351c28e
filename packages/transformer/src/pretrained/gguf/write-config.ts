import { OutriderError } from '@outrider/tensor'
import type { Implied, ModelFamily, OptionalField } from '../../config/families/index'
import type { GenerationConfig, ModelConfig } from '../../config/index'
import type { GgufValue } from '../../files/gguf/value'
import { lackingScaling, ropeScalingMetadata } from './write-rope-scaling'

const u32 = (value: number): GgufValue => ({ type: 'u32', value })
const f32 = (value: number): GgufValue => ({ type: 'f32', value })

/**
 * The hyperparameters in llama.cpp's keys. In architectures in which llama.cpp does not apply a sliding window, the context is cut
 * to where a window makes no difference.
 *
 * @throws OutriderError UNSUPPORTED for what llama.cpp does not compute in the architecture
 */
export function configMetadata(config: ModelConfig, family: ModelFamily): Map<string, GgufValue> {
  const { architecture, computes, write } = family.gguf
  const refuse = (what: string) =>
    new OutriderError(
      'UNSUPPORTED',
      `llama.cpp has no ${what} in its architecture ${architecture}, and this model has.`,
      {
        remedy: 'Save a Hugging Face directory.',
      },
    )
  checkComputed(config, family, refuse)
  const own: Record<string, GgufValue> = {
    vocab_size: u32(config.vocabularySize),
    context_length: u32(computes.includes('slidingWindow') ? config.contextLength : withoutWindow(config)),
    embedding_length: u32(config.hiddenSize),
    feed_forward_length: u32(config.intermediateSize),
    block_count: u32(config.layers),
    'attention.head_count': u32(config.heads),
    'attention.head_count_kv': u32(config.kvHeads),
    'attention.key_length': u32(config.headDim),
    'attention.value_length': u32(config.headDim),
    'attention.layer_norm_rms_epsilon': f32(config.rmsNormEpsilon),
    'rope.dimension_count': u32(config.rotaryDim ?? config.headDim),
    'rope.freq_base': f32(config.ropeTheta),
    ...ropeScalingMetadata(config),
    ...write?.(config, refuse),
  }
  return new Map(Object.entries(own).map(([key, value]) => [`${architecture}.${key}`, value]))
}

const withoutWindow = ({ contextLength, slidingWindow = contextLength }: ModelConfig): number =>
  Math.min(contextLength, slidingWindow)

/** How the authors mean the model to be sampled, which llama.cpp takes for what its user does not say. */
export function samplingMetadata({
  doSample,
  temperature,
  topK,
  topP,
  minP,
}: GenerationConfig): Map<string, GgufValue> {
  const metadata = new Map<string, GgufValue>()
  if (!doSample) return metadata
  if (temperature !== undefined) metadata.set('general.sampling.temp', f32(temperature))
  if (topK !== undefined) metadata.set('general.sampling.top_k', { type: 'i32', value: topK })
  if (topP !== undefined) metadata.set('general.sampling.top_p', f32(topP))
  if (minP !== undefined) metadata.set('general.sampling.min_p', f32(minP))
  return metadata
}

/** What a model has that llama.cpp does not compute in its architecture must not be left out. */
function checkComputed(config: ModelConfig, { gguf }: ModelFamily, refuse: (what: string) => OutriderError): void {
  const { architecture, computes, attentionBias = 'all', ropeScaling } = gguf
  const implied = gguf.implies?.(config) ?? {}
  const { heads, headDim, hiddenSize } = config
  const hasAllBiases = computes.includes('attentionBias') && attentionBias === 'all'
  if (config.attentionBias === 'all' && !hasAllBiases) throw refuse('bias after attention')
  for (const [field, what] of Object.entries(optionalFields) as [OptionalField, string][])
    if (!(field in implied) && config[field] !== undefined && !computes.includes(field)) throw refuse(what)
  for (const [field, value] of Object.entries(implied) as [keyof Implied, unknown][])
    if (!isSame(config[field], value)) throw refuse(impliedFields[field])
  if (config.ropeScaling && !ropeScaling.includes(config.ropeScaling.type))
    throw refuse(`rotary scaling of type ${config.ropeScaling.type}`)
  const scaling = lackingScaling(config)
  if (scaling !== undefined) throw refuse(scaling)
  if (architecture === 'phi3' && heads * headDim !== hiddenSize)
    throw refuse(`${heads} heads of ${headDim} beside a hidden size of ${hiddenSize}`)
}

/** Numbers are f32 in llama.cpp. */
const isSame = (one: unknown, other: unknown): boolean =>
  typeof one === 'number' && typeof other === 'number'
    ? Math.abs(one - other) <= 1e-6 * Math.abs(other)
    : String(one) === String(other)

/** What a model may have beyond a plain Llama, in words. Whoever adds a field says it here. */
const optionalFields: Record<Exclude<OptionalField, 'slidingWindow'>, string> = {
  activation: 'other activation of the MLP',
  attentionBias: 'bias of queries, keys and values',
  attentionScale: 'scale of attention of its own',
  attentionSoftCap: 'soft-cap of attention',
  embeddingScale: 'scale of the embedding',
  layerTypes: 'window in some layers only',
  layersWithoutRope: 'layers without rotary positions',
  logitScale: 'scale of logits',
  logitSoftCap: 'soft-cap of logits',
  mlpBias: 'bias of the MLP',
  normOffset: 'norm whose weights are distances from 1',
  normPlacement: 'norms after attention and the MLP',
  qkNorm: 'norm of queries and keys',
  residualScale: 'scale of what layers add',
  ropeScaling: 'rotary scaling',
  rotaryDim: 'heads that are turned in part',
  slidingRope: 'other rotary positions in layers with a window',
}

const impliedFields: Record<keyof Implied, string> = {
  ...optionalFields,
  layersWithoutRope: 'other choice of layers without rotary positions',
  normPlacement: 'other place of norms',
  qkNorm: 'other norm of queries and keys',
  tieWordEmbeddings: 'head beside the embedding',
}
