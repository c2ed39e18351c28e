import { type OnWarning, warnOfKeys } from '../files/file-warning'
import type { ModelFamily } from './families/family'
import type { Fields } from './fields'
import type { ModelConfig } from './model-config'

type SpecialIds = Pick<ModelConfig, 'bosTokenId' | 'eosTokenIds' | 'padTokenId'>

/**
 * The ids of the tokens that begin, end and fill. null and ids below 0 are none; where a field is absent, transformers takes the
 * family's; ids beyond the vocabulary, which no text can have, are passed over.
 *
 * @throws OutriderError FILE_FORMAT
 */
export function readSpecialIds(
  fields: Fields,
  { defaults }: ModelFamily,
  vocabularySize: number,
  onWarning?: OnWarning,
): SpecialIds {
  const isWithin = (id: number | undefined) => id !== undefined && id < vocabularySize
  const one = (field: string, absent?: number) => {
    const id = fields.has(field) ? fields.token(field) : absent
    return isWithin(id) ? id : undefined
  }
  const bosTokenId = one('bos_token_id', defaults?.bosTokenId)
  const padTokenId = one('pad_token_id', defaults?.padTokenId)
  const ends = fields.has('eos_token_id') ? fields.tokens('eos_token_id') : [defaults?.eosTokenId]
  const beyond = ['bos_token_id', 'eos_token_id', 'pad_token_id'].filter((field) =>
    fields.tokens(field).some((id) => !isWithin(id)),
  )
  warnOfKeys(onWarning, fields.file, beyond, `beyond the vocabulary of ${vocabularySize}, and ignored`)
  return {
    ...(bosTokenId === undefined ? {} : { bosTokenId }),
    eosTokenIds: ends.filter(isWithin) as number[],
    ...(padTokenId === undefined ? {} : { padTokenId }),
  }
}
