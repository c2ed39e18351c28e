import { OutriderError } from '@outrider/tensor'
import type { ModelConfig } from '../../config/index'
import type { GgufFile } from '../../files/gguf/read'
import type { GgufValue } from '../../files/gguf/value'

/**
 * The metadata key of the id that stands for tokens not drafted yet. Not `tokenizer.ggml.mask_token_id`: models have that which
 * learnt to fill gaps, and llama.cpp drafts with none of them in one pass.
 */
export const maskTokenKey = 'outrider.pard_token'

export const maskTokenMetadata = ({ maskTokenId }: ModelConfig): [string, GgufValue][] =>
  maskTokenId === undefined ? [] : [[maskTokenKey, { type: 'u32', value: maskTokenId }]]

/** @throws OutriderError FILE_FORMAT for what is no id of the vocabulary */
export function readGgufMaskToken(
  { metadata, where }: GgufFile,
  { vocabularySize }: ModelConfig,
): Pick<ModelConfig, 'maskTokenId'> {
  const id = metadata.get(maskTokenKey)
  if (id === undefined) return {}
  if (Number.isSafeInteger(id) && (id as number) >= 0 && (id as number) < vocabularySize)
    return { maskTokenId: id as number }
  throw new OutriderError(
    'FILE_FORMAT',
    `${where}: ${maskTokenKey} is ${JSON.stringify(id)}; it must be a token id below ${vocabularySize}.`,
    { details: { file: where } },
  )
}
