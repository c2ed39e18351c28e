import { OutriderError } from '@outrider/tensor'
import { familyOf } from '../../config/families/index'
import { ggufDtypes } from '../../files/gguf/dtype'
import type { GgufValue } from '../../files/gguf/value'
import { type GgufTensor, writeGguf } from '../../files/gguf/write'
import { type Directory, directory, floatsToStored } from '../../files/index'
import { storedCoverage } from '../../model/covered-head'
import { describeModel } from '../../model/describe-model'
import { ggufVocabulary } from '../../tokenizer/gguf/to-gguf'
import { draftVocabularyKey } from '../draft-vocabulary'
import { joinParameters } from '../joined-weights'
import type { PretrainedModel } from '../pretrained-model'
import { wholeHead } from '../trimmed'
import { generalName } from './general-name'
import { interleavePairs } from './interleave'
import { maskTokenMetadata } from './mask-token'
import { isMoved, toGains } from './norm-offset'
import { ggufName, isRotated } from './tensor-names'
import { configMetadata, samplingMetadata } from './write-config'
import { ropeScalingTensors } from './write-rope-scaling'

export interface SaveGgufOptions {
  /** Name of the file. Default model.gguf. */
  file?: string
  /**
   * Of matrices; vectors stay F32, and what does not divide into blocks is F16. Default F32.
   */
  dtype?: GgufWritable
  /** Of the embedding and the head. Default as `dtype`, but Q8_0 for what has fewer bits: their errors are those of every token. */
  tableDtype?: GgufWritable | undefined
  /**
   * Of a head that covers some ids alone, write their rows alone: a smaller file, which no other program opens. Default false: a row
   * for every id, as llama.cpp demands. A tied head has them all.
   */
  coveredHead?: boolean | undefined
  /**
   * Whether a tokenizer is written of which llama.cpp makes some texts otherwise (it does not normalise Unicode, say). Default
   * false: it is refused, and the error says what differs.
   */
  acceptDifferences?: boolean
}

/** What was written. */
export interface SavedGguf {
  /**
   * What llama.cpp does otherwise, as sentences without their end: what was accepted, and what it does with any file of such a
   * model (where it ends answers, rare characters).
   */
  differences: readonly string[]
}

/** `general.file_type`, as llama.cpp numbers it. */
const fileTypes = { F32: 0, F16: 1, Q4_0: 2, Q4_1: 3, Q8_0: 7, Q5_0: 8, Q5_1: 9 } as const

type GgufWritable = keyof typeof fileTypes

/**
 * Writes a model with its tokenizer and chat template as one GGUF file, which llama.cpp loads (a draft, as `-md`). The file
 * appears whole or not at all; weights are read from the device one tensor at a time.
 *
 * @throws OutriderError UNSUPPORTED for a tokenizer or a configuration that llama.cpp has no way to say, and for weights that
 *   the dtype cannot hold; FILE_WRITE
 */
export async function saveGguf(
  pretrained: PretrainedModel,
  target: string | Directory,
  {
    file = 'model.gguf',
    dtype = 'F32',
    tableDtype = /^Q[45]/.test(dtype) ? 'Q8_0' : dtype,
    coveredHead = false,
    acceptDifferences = false,
  }: SaveGgufOptions = {},
): Promise<SavedGguf> {
  const { model, config, source, generationConfig } = pretrained
  const covered = config.coveredIds && storedCoverage(config.coveredIds, describeModel(config))
  const family = familyOf(config)
  const { architecture, interleaved } = family.gguf
  const hyperparameters = configMetadata(config, family)
  const { metadata: vocabulary, asPhi3, differences, remarks } = ggufVocabulary(pretrained)
  if (differences.length > 0 && !acceptDifferences) throw differing(differences)
  const metadata = new Map<string, GgufValue>([
    ['general.architecture', { type: 'string', value: architecture }],
    ['general.name', { type: 'string', value: generalName(source, { asPhi3 }) }],
    ['general.file_type', { type: 'u32', value: fileTypes[dtype] }],
    ['general.quantization_version', { type: 'u32', value: 2 }],
    ...samplingMetadata(generationConfig),
    ...hyperparameters,
    ...vocabulary,
    ...maskTokenMetadata(config),
    ...(covered ? [[draftVocabularyKey, { type: 'i32[]', value: covered.ids }] as const] : []),
  ])
  const parameters = joinParameters(model.parameters, family.joined)
  const tensors = (coveredHead ? parameters : wholeHead(parameters, covered)).map(
    ({ name, shape, values }): GgufTensor => {
      const turned = interleaved && isRotated(name)
      const stored = storedDtype(shape, isTable(name) ? tableDtype : dtype)
      return {
        name: ggufName(name, config),
        dtype: stored,
        shape,
        bytes: async () => {
          const elements = isMoved(name, config) ? toGains(await values()) : await values()
          return floatsToStored(
            turned ? interleavePairs(elements, { rows: shape[0]!, headDim: config.headDim }) : elements,
            stored,
            { tensor: `Tensor "${name}"` },
          )
        },
      }
    },
  )
  const files = typeof target === 'string' ? directory(target) : target
  await writeGguf(files, file, { metadata, tensors: [...tensors, ...ropeScalingTensors(config)] })
  return { differences: [...differences, ...remarks] }
}

const differing = (differences: readonly string[]) =>
  new OutriderError(
    'UNSUPPORTED',
    `The tokenizer cannot be written as GGUF so that llama.cpp makes the same of every text: ${differences.join('; ')}.`,
    {
      remedy:
        'Where that does not matter (a draft whose target has the same tokenizer in llama.cpp, say), accept it: --accept-differences, or acceptDifferences of saveGguf.',
      details: { differences },
    },
  )

const isTable = (name: string) => /embed_tokens|lm_head/.test(name)

function storedDtype(shape: readonly number[], dtype: GgufWritable): GgufWritable {
  if (shape.length < 2 || dtype === 'F32') return 'F32'
  return shape.at(-1)! % ggufDtypes[dtype].elements === 0 ? dtype : 'F16'
}
