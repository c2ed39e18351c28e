import type { ListedToken } from './added-tokens-json'
import type { NamedSpecialTokens } from './special-tokens'

/**
 * Added tokens that only the files beside tokenizer.json list, as transformers adds them: those of `added_tokens_decoder`,
 * then the marks that have a name, then `extra_special_tokens` (`additional_special_tokens`). A piece of the vocabulary keeps
 * its id; another gets the next one.
 *
 * @param listed      what tokenizer.json lists
 * @param vocabulary  the model's pieces
 * @param beside      tokenizer_config.json and special_tokens_map.json, and the marks that they name
 */
export function addedTokensBeside(
  listed: readonly ListedToken[],
  vocabulary: ReadonlyMap<string, number>,
  beside: { config: Record<string, unknown>; specialTokensMap: Record<string, unknown>; named: NamedSpecialTokens },
): ListedToken[] {
  const known = new Set(listed.map(({ content }) => content))
  let next = listed.reduce((most, { id }) => Math.max(most, id + 1), vocabulary.size)
  const added: ListedToken[] = []
  for (const token of tokensBeside(beside)) {
    if (token.content === '' || known.has(token.content)) continue
    known.add(token.content)
    added.push({ ...token, id: vocabulary.get(token.content) ?? next++ })
  }
  return added
}

type Unnumbered = Omit<ListedToken, 'id'>

function* tokensBeside({
  config,
  specialTokensMap,
  named,
}: Parameters<typeof addedTokensBeside>[2]): Generator<Unnumbered> {
  const decoder = Object.entries((config.added_tokens_decoder ?? {}) as Record<string, unknown>)
  for (const [, entry] of decoder.sort(([a], [b]) => Number(a) - Number(b))) {
    const token = tokenOf(entry, false)
    if (token) yield token
  }
  const source = 'added_tokens_decoder' in config ? config : { ...config, ...specialTokensMap }
  // A table gives them names, which nothing here asks for.
  const extra = [source.extra_special_tokens, source.additional_special_tokens].flatMap((marks) =>
    typeof marks === 'object' && marks !== null ? Object.values(marks) : [],
  )
  for (const mark of [...Object.values(named), ...extra]) {
    const token = tokenOf(mark, true)
    if (token) yield { ...token, special: true }
  }
}

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
