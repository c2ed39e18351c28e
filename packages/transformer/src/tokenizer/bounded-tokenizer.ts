import { beyondTokenizerLimit, type PatternLimits, patternLimits } from './counted-reg-exp'

/** What a tokenizer.json may make of a text. */
export interface TokenizerLimits {
  /** Steps of a pattern that is not known. */
  pattern: PatternLimits
  /** Characters that a replacement may make of a shorter text. Default 2²⁴. */
  characters: number
  /** Characters of a token that is looked for at every place of a text, and of what is put before one. Default 1,000. */
  tokenCharacters: number
}

export const tokenizerLimits: Readonly<TokenizerLimits> = {
  pattern: patternLimits,
  characters: 2 ** 24,
  tokenCharacters: 1000,
}

/** A part of a tokenizer.json: what is looked at here. */
interface Part {
  content?: unknown
  max_input_chars_per_word?: unknown
  vocab?: unknown
}

/**
 * Before a tokenizer.json is used: what takes the square of a length is short.
 *
 * @throws OutriderError TOKENIZER_LIMIT
 */
export function checkTokenizerJson(json: Readonly<Record<string, unknown>>, limits: TokenizerLimits): void {
  const most = limits.tokenCharacters
  for (const { content } of listOf(json.added_tokens))
    if (typeof content === 'string' && content.length > most)
      throw beyondTokenizerLimit(`an added token has ${content.length} characters, more than ${most}`)
  const model = (json.model ?? {}) as Part
  const word = Number(model.max_input_chars_per_word ?? 0)
  if (word > most) throw beyondTokenizerLimit(`its words have up to ${word} characters, more than ${most}`)
  // Unigram: a list of pieces with their scores, all of which are tried at every place of a text.
  for (const [piece] of Array.isArray(model.vocab) ? (model.vocab as unknown[][]).filter(Array.isArray) : [])
    if (typeof piece === 'string' && piece.length > most)
      throw beyondTokenizerLimit(`a piece has ${piece.length} characters, more than ${most}`)
}

const listOf = (value: unknown): Part[] =>
  Array.isArray(value) ? (value as Part[]).filter((item) => item !== null) : []
