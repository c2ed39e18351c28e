import type { Tokenizer } from '@huggingface/tokenizers'
import { beyondTokenizerLimit, CountedRegExp, type PatternLimits, patternLimits } from './counted-reg-exp'
import { knownExpressions } from './known-expressions'

/** What a tokenizer.json may make of a text. */
export interface TokenizerLimits {
  /** Steps of a pattern that is not known. */
  pattern: PatternLimits
  /** Characters that a replacement may make of a shorter text. Default 2²⁴. */
  characters: number
  /** Characters of a token that is looked for at every place of a text, and of what stands for a space. Default 1,000. */
  tokenCharacters: number
}

export const tokenizerLimits: Readonly<TokenizerLimits> = {
  pattern: patternLimits,
  characters: 2 ** 24,
  tokenCharacters: 1000,
}

/** A part of a tokenizer.json, or what the library makes of it: what is looked at here. */
interface Part {
  type?: string
  pattern?: unknown
  content?: unknown
  replacement?: unknown
  str_rep?: unknown
  max_input_chars_per_word?: unknown
  vocab?: unknown
  config?: Part & { pattern?: { Regex?: unknown } }
  normalize?: (text: string) => string
  decode_chain?: (tokens: string[]) => string[]
}

/**
 * Before the library reads a tokenizer.json: what takes the square of a length is short.
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

/** Replaces what of the library's parts a file could make go on without end, by what counts. */
export function boundTokenizer(tokenizer: Tokenizer, limits: TokenizerLimits): void {
  const { normalizer, pre_tokenizer, decoder } = tokenizer as unknown as Record<string, unknown>
  for (const part of [normalizer, pre_tokenizer, decoder]) boundPart(part, limits)
}

function boundPart(value: unknown, limits: TokenizerLimits): void {
  // The library's parts can be called.
  if (!(value instanceof Object) || value instanceof RegExp) return
  const part = value as Part
  for (const [key, inner] of Object.entries(part)) {
    if (key === 'config') continue
    if (Array.isArray(inner)) for (const item of inner) boundPart(item, limits)
    else boundPart(inner, limits)
  }
  for (const mark of [part.replacement, part.str_rep])
    if (typeof mark === 'string' && mark.length > limits.tokenCharacters)
      throw beyondTokenizerLimit(`a space becomes ${mark.length} characters, more than ${limits.tokenCharacters}`)
  const { config, pattern } = part
  if (!config || !(pattern instanceof RegExp)) return
  const source = config.pattern?.Regex
  // Texts without repetition, and the library's own patterns, cannot backtrack.
  if (typeof source === 'string' && !knownExpressions.has(source))
    part.pattern = new CountedRegExp(pattern.source, pattern.flags, limits.pattern)
  if (config.type === 'Replace') boundReplacement(part, part.pattern as RegExp, limits)
}

function boundReplacement(part: Part, pattern: RegExp, { characters }: TokenizerLimits): void {
  const content = typeof part.config?.content === 'string' ? part.config.content : ''
  // To replaceAll a $ is a mark; to a tokenizer it is a dollar.
  part.config = { ...part.config, content: content.replaceAll('$', '$$$$') }
  const check = (texts: readonly string[]) => {
    const length = texts.reduce((sum, text) => sum + text.length, 0)
    const most = Math.max(length, characters)
    if ((length + texts.length) * content.length <= most) return
    let after = length
    for (const text of texts)
      for (const [match] of text.matchAll(pattern)) {
        after += content.length - match.length
        if (after > most) throw beyondTokenizerLimit(`a replacement makes more than ${most} characters of ${length}`)
      }
  }
  const { normalize, decode_chain } = part
  if (normalize)
    part.normalize = (text) => {
      check([text])
      return normalize.call(part, text)
    }
  if (decode_chain)
    part.decode_chain = (tokens) => {
      check(tokens)
      return decode_chain.call(part, tokens)
    }
}

const listOf = (value: unknown): Part[] =>
  Array.isArray(value) ? (value as Part[]).filter((item) => item !== null) : []
