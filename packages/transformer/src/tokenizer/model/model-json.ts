import { OutriderError } from '@outrider/tensor'

/** Kinds of models, and their keys in a tokenizer.json. */
export const modelKeys = {
  BPE: [
    'vocab',
    'merges',
    'unk_token',
    'fuse_unk',
    'byte_fallback',
    'ignore_merges',
    'dropout',
    'continuing_subword_prefix',
    'end_of_word_suffix',
  ],
  WordPiece: ['vocab', 'unk_token', 'continuing_subword_prefix', 'max_input_chars_per_word'],
  WordLevel: ['vocab', 'unk_token'],
  Unigram: ['vocab', 'unk_id', 'byte_fallback'],
} as const

/** The `model` of a tokenizer.json. */
export interface ModelJson {
  type: keyof typeof modelKeys
  vocab: Record<string, number> | [piece: string, score: number][]
  [key: string]: unknown
}

/**
 * The model of a tokenizer.json with its type, which the oldest files leave out.
 *
 * @param where    the file, for errors
 * @param unknown  is told of keys that are not known
 * @throws OutriderError FILE_FORMAT without a vocabulary, UNSUPPORTED for a kind that is not known or one that draws lots
 */
export function modelJson(model: unknown, where: string, unknown: (key: string) => void): ModelJson {
  const json = (typeof model === 'object' && model !== null ? model : {}) as Partial<ModelJson>
  const { vocab, dropout } = json
  if (typeof vocab !== 'object' || vocab === null)
    throw new OutriderError('FILE_FORMAT', `${where} has no vocabulary (model.vocab).`, {
      remedy: 'Copy or download it again; it must be the tokenizer.json of a Hugging Face "fast" tokenizer.',
    })
  const type = json.type ?? typeByKeys(json)
  if (!Object.hasOwn(modelKeys, type) || Array.isArray(vocab) !== (type === 'Unigram'))
    throw unsupported(where, `the model ${JSON.stringify(type)}`)
  if (dropout != null && dropout !== 0)
    throw new OutriderError(
      'UNSUPPORTED',
      `${where} has a dropout of ${dropout} in its model: the same text would have other tokens each time.`,
      { remedy: 'Set model.dropout to null: it is for training a model.', details: { file: where } },
    )
  for (const key of Object.keys(json))
    if (key !== 'type' && !(modelKeys[type] as readonly string[]).includes(key)) unknown(`model.${key}`)
  return { ...json, type, vocab }
}

function typeByKeys(json: Partial<ModelJson>): ModelJson['type'] {
  if (Array.isArray(json.vocab)) return 'Unigram'
  if ('merges' in json) return 'BPE'
  return 'continuing_subword_prefix' in json ? 'WordPiece' : 'WordLevel'
}

const unsupported = (where: string, what: string) =>
  new OutriderError('UNSUPPORTED', `${where} has ${what}, which is not supported: texts would have other tokens.`, {
    details: { file: where },
  })
