import { openGguf } from '../../files/gguf/read'
import type { Directory, OnWarning } from '../../files/index'
import { ggufTokenizer } from '../../tokenizer/gguf/from-gguf'
import type { OpenedModel } from '../opened-model'
import { ggufWeights } from './gguf-weights'
import { readGgufConfig } from './read-config'

/** Opens a GGUF file: configuration, tokenizer and chat template are in its metadata. */
export async function openGgufModel(directory: Directory, name: string, _onWarning?: OnWarning): Promise<OpenedModel> {
  const file = await openGguf(directory, name)
  const { config, family } = await readGgufConfig(file)
  const { bosTokenId, eosTokenIds, padTokenId } = config
  return {
    config,
    source: file.where,
    ...ggufTokenizer(file),
    generationConfig: {
      ...(bosTokenId !== undefined && { bosTokenId }),
      eosTokenIds,
      ...(padTokenId !== undefined && { padTokenId }),
    },
    weights: ggufWeights(file, config, family),
    disregarded: (tensor) => tensor === 'rope_freqs.weight',
  }
}
