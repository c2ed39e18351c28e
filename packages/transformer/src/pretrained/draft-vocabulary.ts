import { OutriderError } from '@outrider/tensor'
import { Fields } from '../config/fields'
import type { ModelConfig } from '../config/index'
import { type Directory, readJson } from '../files/index'

/**
 * The file beside config.json that says which ids the head covers: `{ "vocab_size": 49152, "ids": [0, 2, …] }`. Other programs
 * pass it over, and open a whole model.
 */
export const draftVocabularyFile = 'draft_vocabulary.json'

/** The metadata key of a GGUF file that holds the ids. */
export const draftVocabularyKey = 'outrider.draft_vocabulary'

export const draftVocabularyToJson = ({ ids, vocabularySize }: { ids: readonly number[]; vocabularySize: number }) =>
  `${JSON.stringify({ vocab_size: vocabularySize, ids })}\n`

/** What a list of ids has to fit. */
export type VocabularyOf = Pick<ModelConfig, 'vocabularySize' | 'eosTokenIds'>

/**
 * The ids that a directory says its head covers; undefined where it says nothing.
 *
 * @throws OutriderError FILE_FORMAT for what is no such list, or one of another vocabulary
 */
export async function readDraftVocabulary(files: Directory, config: VocabularyOf): Promise<number[] | undefined> {
  if (!(await files.has(draftVocabularyFile))) return undefined
  const where = `${files.name}/${draftVocabularyFile}`
  const fields = new Fields(await readJson(files, draftVocabularyFile), where)
  const size = fields.count('vocab_size')
  if (size !== config.vocabularySize)
    throw broken(where, `vocab_size is ${size}, and that of config.json is ${config.vocabularySize}`)
  return storedVocabulary(fields.get('ids'), config, where)
}

/**
 * A list of ids from a file.
 *
 * @throws OutriderError FILE_FORMAT
 */
export function storedVocabulary(ids: unknown, config: VocabularyOf, where: string): number[] {
  const fault = faultOfVocabulary(ids, config)
  if (fault) throw broken(where, fault)
  return ids as number[]
}

/**
 * What is wrong with a list of ids, as a sentence without its end; undefined where it is one that a head may cover: ascending,
 * each id once and of the vocabulary, all ends of text among them.
 */
export function faultOfVocabulary(ids: unknown, { vocabularySize, eosTokenIds }: VocabularyOf): string | undefined {
  if (!Array.isArray(ids) || ids.length === 0) return 'ids must be a list of token ids'
  for (const [at, id] of ids.entries()) {
    const shown = `ids[${at}] is ${JSON.stringify(id)}`
    if (!(Number.isInteger(id) && id >= 0 && id < vocabularySize))
      return `${shown}; a token id is a whole number below ${vocabularySize}`
    if (at > 0 && id <= ids[at - 1]) return `${shown} after ${ids[at - 1]}; ids must ascend, each being there once`
  }
  const known = new Set(ids)
  const end = eosTokenIds.find((id) => id < vocabularySize && !known.has(id))
  return end === undefined ? undefined : `id ${end}, which ends a text, is not among the ids`
}

const broken = (where: string, what: string) =>
  new OutriderError('FILE_FORMAT', `${where}: ${what}.`, {
    remedy: 'Remove the file to have the whole head, or trim the draft again (outrider export --draft-vocabulary).',
    details: { file: where },
  })
