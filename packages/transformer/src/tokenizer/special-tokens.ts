const names = ['bos_token', 'eos_token', 'unk_token', 'pad_token', 'sep_token', 'cls_token', 'mask_token'] as const

/** Pieces of the special tokens that a tokenizer's files name; chat templates use these names. */
export type NamedSpecialTokens = { readonly [Name in (typeof names)[number]]?: string }

/**
 * Reads them; a token is written as its piece, or as an object with its `content`.
 *
 * @param config            tokenizer_config.json
 * @param specialTokensMap  special_tokens_map.json, where older exports name them. As transformers has it, it counts where
 *   tokenizer_config.json lists no `added_tokens_decoder`, and before what that file names
 */
export function namedSpecialTokens(
  config: Record<string, unknown>,
  specialTokensMap: Record<string, unknown> = {},
): NamedSpecialTokens {
  const source = 'added_tokens_decoder' in config ? config : { ...config, ...specialTokensMap }
  const found = names.map((name) => {
    const value = source[name]
    const piece = typeof value === 'object' && value !== null ? (value as { content?: unknown }).content : value
    return [name, piece] as const
  })
  return Object.fromEntries(found.filter(([, piece]) => typeof piece === 'string'))
}
