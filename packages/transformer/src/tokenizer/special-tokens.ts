const names = ['bos_token', 'eos_token', 'unk_token', 'pad_token', 'sep_token', 'cls_token', 'mask_token'] as const

/** Pieces of the special tokens that tokenizer_config.json names; chat templates use these names. */
export type NamedSpecialTokens = { readonly [Name in (typeof names)[number]]?: string }

/** Reads them; a token is written as its piece, or as an object with its `content`. */
export function namedSpecialTokens(config: Record<string, unknown>): NamedSpecialTokens {
  const found = names.map((name) => {
    const value = config[name]
    const piece = typeof value === 'object' && value !== null ? (value as { content?: unknown }).content : value
    return [name, piece] as const
  })
  return Object.fromEntries(found.filter(([, piece]) => typeof piece === 'string'))
}
