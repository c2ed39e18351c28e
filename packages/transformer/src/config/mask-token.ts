import { type OnWarning, warnOfKeys } from '../files/file-warning'
import { type Fields, printed } from './fields'
import type { ModelConfig } from './model-config'

/** Where published drafts say the id, the first that is there first: AMD's PARD's key, and the others that vLLM reads. */
const idKeys = ['pard_token', 'mask_token_id', 'ptd_token_id'] as const

/** Keys that say by being there that a draft is parallel; `mask_token_id` alone is any model's that learnt to fill gaps. */
const parallelKeys = ['pard_token', 'ptd_token_id'] as const

/** What config.json says of parallel drafts, in any family. */
export const maskTokenKeys = ['spd_type', ...idKeys, 'dflash_config'] as const

/** Which way of drafting `spd_type` names here: parallel drafts (PARD, An et al. 2025, arXiv 2504.18583). */
const parallel = 'pard'

/**
 * The id that stands for tokens that are not drafted yet, of a model that is a parallel draft: `spd_type` says "pard", or one of
 * the keys is there that no other model has.
 *
 * @throws OutriderError FILE_FORMAT for a parallel draft that names no id, or none of its vocabulary
 */
export function readMaskToken(
  fields: Fields,
  vocabularySize: number,
  onWarning?: OnWarning,
): Pick<ModelConfig, 'maskTokenId'> {
  const type = fields.get('spd_type')
  if (type !== undefined && type !== parallel) {
    warnOfKeys(onWarning, fields.file, ['spd_type'], `${printed(type)} is no way of drafting here, and ignored`)
    return {}
  }
  if (type === undefined && !parallelKeys.some((key) => fields.get(key) !== undefined)) return {}
  const key = idKeys.find((name) => fields.get(name) !== undefined)
  const nested = key ? undefined : fields.object('dflash_config')
  const [where, name] = nested ? [nested, 'mask_token_id'] : [fields, key ?? 'pard_token']
  const id = where.get(name)
  if (Number.isSafeInteger(id) && (id as number) >= 0 && (id as number) < vocabularySize)
    return { maskTokenId: id as number }
  throw where.wrong(name, `a token id below vocab_size (${vocabularySize}): what stands for tokens not drafted yet`)
}

/** The same as config.json says it. */
export const maskTokenToJson = ({ maskTokenId }: Pick<ModelConfig, 'maskTokenId'>): Record<string, unknown> =>
  maskTokenId === undefined ? {} : { pard_token: maskTokenId, spd_type: parallel }
