import { OutriderError } from '@outrider/tensor'
import { familyOf } from '../../config/families/index'
import type { ModelConfig } from '../../config/index'
import { rotaryFrequencies } from '../../config/rope-scaling'
import type { GgufValue } from '../../files/gguf/value'
import { type GgufTensor, writeGguf } from '../../files/gguf/write'
import { type Directory, directory, floatsToStored } from '../../files/index'
import { ggufVocabulary } from '../../tokenizer/gguf/to-gguf'
import { joinParameters } from '../joined-weights'
import type { PretrainedModel } from '../pretrained-model'
import { deviceDtype } from '../weights'
import { interleavePairs } from './interleave'
import { ggufName, isRotated } from './tensor-names'
import { configMetadata } from './write-config'

export interface SaveGgufOptions {
  /** Name of the file. Default model.gguf. */
  file?: string
  /** Of matrices, by the rules of `deviceDtype`: vectors stay F32. Default F32. */
  dtype?: GgufWritable
}

/** `general.file_type`, as llama.cpp numbers it. */
const fileTypes = { F32: 0, F16: 1, Q4_0: 2, Q8_0: 7 } as const

type GgufWritable = keyof typeof fileTypes

const lower = (dtype: GgufWritable) => dtype.toLowerCase() as Lowercase<GgufWritable>

/**
 * Writes a model with its tokenizer and chat template as one GGUF file, which llama.cpp loads (a draft, as `-md`). The file
 * appears whole or not at all; weights are read from the device one tensor at a time.
 *
 * @throws OutriderError UNSUPPORTED for a tokenizer or a configuration that llama.cpp has no way to say; FILE_WRITE
 */
export async function saveGguf(
  pretrained: PretrainedModel,
  target: string | Directory,
  { file = 'model.gguf', dtype = 'F32' }: SaveGgufOptions = {},
): Promise<void> {
  const { model, config, source } = pretrained
  const family = familyOf(config)
  const { architecture, interleaved } = family.gguf
  if (config.attentionBias === 'all' && architecture !== 'llama')
    throw new OutriderError(
      'UNSUPPORTED',
      `llama.cpp has no bias after attention in its architecture ${architecture}, and this model has.`,
    )
  const metadata = new Map<string, GgufValue>([
    ['general.architecture', { type: 'string', value: architecture }],
    ['general.name', { type: 'string', value: source }],
    ['general.file_type', { type: 'u32', value: fileTypes[dtype] }],
    ['general.quantization_version', { type: 'u32', value: 2 }],
    ...configMetadata(config, architecture),
    ...ggufVocabulary(pretrained),
  ])
  const tensors = joinParameters(model.parameters, family.joined).map(({ name, shape, values }): GgufTensor => {
    const turned = interleaved && isRotated(name)
    const stored = deviceDtype(name, { shape, dtype: 'F32' }, lower(dtype)).toUpperCase() as GgufWritable
    return {
      name: ggufName(name),
      dtype: stored,
      shape,
      bytes: async () => {
        const elements = await values()
        return floatsToStored(
          turned ? interleavePairs(elements, { rows: shape[0]!, headDim: config.headDim }) : elements,
          stored,
          { tensor: `Tensor "${name}"` },
        )
      },
    }
  })
  const files = typeof target === 'string' ? directory(target) : target
  await writeGguf(files, file, { metadata, tensors: [...tensors, ...frequencyFactors(config)] })
}

/** What the scaling of Llama 3 divides each rotary frequency by, as a tensor of its own. */
function frequencyFactors(config: ModelConfig): GgufTensor[] {
  if (config.ropeScaling?.type !== 'llama3') return []
  const { headDim, ropeTheta } = config
  const scaled = rotaryFrequencies(config)
  const factors = Float32Array.from(rotaryFrequencies({ headDim, ropeTheta }), (plain, i) => plain / scaled[i]!)
  return [
    { name: 'rope_freqs.weight', dtype: 'F32', shape: [factors.length], bytes: () => floatsToStored(factors, 'F32') },
  ]
}
