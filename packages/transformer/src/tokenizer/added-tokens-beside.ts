import type { ListedToken } from './added-tokens-json'
import { namedTokensOf, unnamedTokensOf } from './special-tokens'

/**
 * All added tokens: those that tokenizer.json lists, and what the files beside it say of them and of others, as transformers
 * 5.24 does it. `added_tokens_decoder` comes first, and its flags count before those of tokenizer.json; then the tokens that
 * have a name, which are marks, with the flags that they had; then `extra_special_tokens` (`additional_special_tokens`), where they
 * are new. A piece of the vocabulary keeps its id; another gets the next one.
 *
 * @param listed      what tokenizer.json lists
 * @param vocabulary  the model's pieces
 * @param beside      tokenizer_config.json and special_tokens_map.json
 */
export function withTokensBeside(
  listed: readonly ListedToken[],
  vocabulary: ReadonlyMap<string, number>,
  { config, specialTokensMap }: { config: Record<string, unknown>; specialTokensMap: Record<string, unknown> },
): ListedToken[] {
  const tokens = new Map(listed.map((token) => [token.content, token]))
  let next = listed.reduce((most, { id }) => Math.max(most, id + 1), vocabulary.size)
  const add = (token: Unnumbered, change: (known: ListedToken) => ListedToken) => {
    const known = tokens.get(token.content)
    if (known) tokens.set(token.content, change(known))
    else if (token.content !== '') tokens.set(token.content, { ...token, id: vocabulary.get(token.content) ?? next++ })
  }
  const addMark = (mark: unknown, change: (known: ListedToken) => ListedToken) => {
    const token = tokenOf(mark, true)
    if (token) add({ ...token, special: true }, change)
  }
  const decoder = Object.entries((config.added_tokens_decoder ?? {}) as Record<string, unknown>)
  for (const [, entry] of decoder.sort(([a], [b]) => Number(a) - Number(b))) {
    const token = tokenOf(entry, false)
    if (token) add(token, ({ id, special }) => ({ ...token, id, special: special || token.special }))
  }
  for (const [, mark] of namedTokensOf(config, specialTokensMap))
    addMark(mark, (known) => ({ ...known, special: true }))
  for (const mark of unnamedTokensOf(config, specialTokensMap)) addMark(mark, (known) => known)
  return [...tokens.values()]
}

type Unnumbered = Omit<ListedToken, 'id'>

/** A token is written as its piece, or as an object with its flags. */
function tokenOf(entry: unknown, special: boolean): Unnumbered | undefined {
  const flags = (typeof entry === 'string' ? { content: entry } : (entry ?? {})) as Record<string, unknown>
  if (typeof flags.content !== 'string') return undefined
  const isSpecial = flags.special === undefined ? special : flags.special === true
  return {
    content: flags.content,
    special: isSpecial,
    normalized: flags.normalized === undefined ? !isSpecial : flags.normalized === true,
    single_word: flags.single_word === true,
    lstrip: flags.lstrip === true,
    rstrip: flags.rstrip === true,
  }
}
