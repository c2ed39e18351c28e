import { OutriderError } from '@outrider/tensor'
import type { ModelConfig } from '../../config/index'
import { type GgufFile, openGguf } from '../../files/gguf/read'
import type { Directory, OnWarning } from '../../files/index'
import { ggufTokenizer } from '../../tokenizer/gguf/from-gguf'
import { draftVocabularyKey, storedVocabulary } from '../draft-vocabulary'
import type { OpenedModel } from '../opened-model'
import { ggufWeights } from './gguf-weights'
import { readGgufMaskToken } from './mask-token'
import { readGgufConfig } from './read-config'

/** Opens a GGUF file: configuration, tokenizer and chat template are in its metadata. */
export async function openGgufModel(directory: Directory, name: string, onWarning?: OnWarning): Promise<OpenedModel> {
  const file = await openGguf(directory, name)
  const { config, family } = await readGgufConfig(file, onWarning)
  const { tokens, ...text } = ggufTokenizer(file)
  const { vocabularySize } = text.tokenizer
  if (vocabularySize > config.vocabularySize)
    throw new OutriderError(
      'FILE_FORMAT',
      `${file.where} has ${vocabularySize} tokens, and an embedding of ${config.vocabularySize}.`,
      { details: { file: file.where } },
    )
  const said = { ...config, ...tokens, ...readGgufMaskToken(file, config) }
  return {
    config: said,
    coveredIds: coveredIds(file, said),
    source: file.where,
    ...text,
    generationConfig: { ...tokens, ...samplingOf(file) },
    weights: ggufWeights(file, config, family),
    disregarded: (tensor) => /^rope_(freqs|factors_short|factors_long)\.weight$/.test(tensor),
  }
}

/** The ids that the head covers, where the file says so; and the ends that llama.cpp knows by their texts alone. */
function coveredIds({ metadata, where }: GgufFile, config: ModelConfig): number[] | undefined {
  const said = metadata.get(draftVocabularyKey)
  if (said === undefined) return undefined
  const ids = storedVocabulary(said, { ...config, eosTokenIds: [] }, `${where}: ${draftVocabularyKey}`)
  return [...new Set([...ids, ...config.eosTokenIds])].sort((a, b) => a - b)
}

/** The sampling that the authors advise. */
function samplingOf({ metadata, where }: GgufFile) {
  const number = (key: string, most: number) => {
    const value = metadata.get(`general.sampling.${key}`)
    // Files hold f32: seven digits are what the number was meant to be.
    if (value === undefined) return undefined
    if (typeof value === 'number' && value >= 0 && value <= most) return Number(value.toPrecision(7))
    throw new OutriderError('FILE_FORMAT', `${where}: general.sampling.${key} is ${JSON.stringify(value)}.`, {
      details: { file: where },
    })
  }
  const temperature = number('temp', Number.MAX_VALUE)
  const topK = number('top_k', Number.MAX_SAFE_INTEGER)
  const topP = number('top_p', 1)
  const minP = number('min_p', 1)
  return {
    ...(temperature !== undefined && { temperature }),
    ...(topK !== undefined && { topK }),
    ...(topP !== undefined && { topP }),
    ...(minP !== undefined && { minP }),
  }
}
