import { OutriderError } from '@outrider/tensor'
import type { AddedToken } from './steps/index'

/** An added token as tokenizer.json lists it. */
export type ListedToken = AddedToken & {
  /** Looked for in the text as it is normalized, rather than as it is written. */
  normalized: boolean
  /** A mark rather than text. */
  special: boolean
}

/**
 * The `added_tokens` of a tokenizer.json. Flags that are left out are false; a mark is looked for as it is written.
 *
 * @param where    the file, for errors
 * @param unknown  is told of keys that are not known
 * @throws OutriderError FILE_FORMAT
 */
export function addedTokensOf(json: unknown, where: string, unknown: (key: string) => void): ListedToken[] {
  if (json == null) return []
  if (!Array.isArray(json)) throw wrong(`${where}: added_tokens is not a list`)
  return json.map((token: Readonly<Record<string, unknown>> | null, i) => {
    const { id, content } = token ?? {}
    if (typeof content !== 'string' || !Number.isSafeInteger(id) || (id as number) < 0)
      throw wrong(`${where}: added_tokens[${i}] has no content, or no id`)
    for (const key of Object.keys(token!)) if (!keys.includes(key)) unknown(`added_tokens.${key}`)
    const flag = (key: string, fallback = false): boolean => {
      const value = token![key] ?? fallback
      if (typeof value === 'boolean') return value
      throw wrong(`${where}: ${key} of the added token ${JSON.stringify(content)} is not true or false`)
    }
    const special = flag('special')
    return {
      id: id as number,
      content,
      special,
      normalized: flag('normalized', !special),
      single_word: flag('single_word'),
      lstrip: flag('lstrip'),
      rstrip: flag('rstrip'),
    }
  })
}

const keys = ['id', 'content', 'special', 'normalized', 'single_word', 'lstrip', 'rstrip']

const wrong = (what: string) =>
  new OutriderError('FILE_FORMAT', `${what}.`, {
    remedy: 'Copy or download it again; it must be the tokenizer.json of a Hugging Face "fast" tokenizer.',
  })
