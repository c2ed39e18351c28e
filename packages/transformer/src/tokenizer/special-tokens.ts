const names = ['bos_token', 'eos_token', 'unk_token', 'pad_token', 'sep_token', 'cls_token', 'mask_token'] as const

/**
 * Pieces of the special tokens that a tokenizer's files name; chat templates use these names. Besides the seven, those that a
 * model has of its own (`image_token`, `eot_token`).
 */
export type NamedSpecialTokens = { readonly [Name in (typeof names)[number]]?: string } & Readonly<
  Record<string, string | undefined>
>

type Json = Readonly<Record<string, unknown>>

/** A token is written as its piece, or as an object with its `content` and flags. */
type WrittenToken = string | (Json & { content: string })

/**
 * What tokenizer_config.json says together with special_tokens_map.json, where older exports name tokens. As transformers has
 * it, that file counts where tokenizer_config.json lists no `added_tokens_decoder`, and before what is named there; lists of
 * `extra_special_tokens` are joined.
 */
function joined(config: Json, specialTokensMap: Json): Json {
  if ('added_tokens_decoder' in config) return config
  const extra = [config.extra_special_tokens, specialTokensMap.extra_special_tokens]
  const both = extra.every(Array.isArray) ? { extra_special_tokens: [...new Set(extra.flat())] } : {}
  const tokens = Object.entries(specialTokensMap).map(([name, value]) => [
    name,
    isObject(value) && name !== 'extra_special_tokens' ? { __type: 'AddedToken', ...value } : value,
  ])
  return { ...config, ...Object.fromEntries(tokens), ...both }
}

/**
 * The tokens that have a name, as they are written, in the order in which transformers 5.24 adds them: the seven, other keys
 * that end with `_token`, a table of `extra_special_tokens`; where there is none of these, `model_specific_special_tokens`.
 */
export function namedTokensOf(config: Json, specialTokensMap: Json = {}): [name: string, token: WrittenToken][] {
  const source = joined(config, specialTokensMap)
  const own = Object.entries(source).filter(([name, value]) => isOwnName(name, value))
  if (isObject(source.extra_special_tokens)) own.push(...Object.entries(source.extra_special_tokens))
  if (own.length === 0 && isObject(source.model_specific_special_tokens))
    own.push(...Object.entries(source.model_specific_special_tokens))
  const entries = [...names.map((name) => [name, source[name]] as [string, unknown]), ...own]
  return entries.filter((entry): entry is [string, WrittenToken] => isToken(entry[1]))
}

/** Tokens without a name, as they are written. The older list counts where the other says nothing. */
export function unnamedTokensOf(config: Json, specialTokensMap: Json = {}): WrittenToken[] {
  const { extra_special_tokens: extra, additional_special_tokens: older } = joined(config, specialTokensMap)
  const says = isObject(extra) ? Object.keys(extra).length > 0 : Array.isArray(extra) && extra.length > 0
  const list = says ? extra : older
  return Array.isArray(list) ? list.filter(isToken) : []
}

/** Whether a key of tokenizer_config.json names a token that is none of the seven. */
export const isOwnName = (name: string, value: unknown): boolean =>
  name.endsWith('_token') &&
  !(names as readonly string[]).includes(name) &&
  (typeof value === 'string' || (isObject(value) && isToken(value) && value.__type === 'AddedToken'))

/** The pieces of the tokens that have a name. */
export function namedSpecialTokens(config: Json, specialTokensMap: Json = {}): NamedSpecialTokens {
  const pieces = namedTokensOf(config, specialTokensMap).map(([name, token]) => [
    name,
    typeof token === 'string' ? token : token.content,
  ])
  return Object.fromEntries(pieces)
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

const isToken = (value: unknown): value is WrittenToken =>
  typeof value === 'string' || (isObject(value) && typeof value.content === 'string')
