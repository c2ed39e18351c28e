import { type AddedToken, quoted, stepsOf, type TokenizerJson, unsupported } from './written-tokenizer'

/** What llama.cpp does after special tokens, by the name of the model. */
export interface AddedTokensForm {
  /** Whether white space after special tokens is dropped, as for Phi-3. */
  asPhi3: boolean
}

/**
 * Whether llama.cpp finds added tokens in a text where the tokenizer does: the longest first, with the text around them as
 * it is.
 *
 * @param differences    takes what llama.cpp does otherwise, where most texts are the same
 * @throws OutriderError UNSUPPORTED for what llama.cpp does otherwise
 */
export function addedTokensForm(json: TokenizerJson, differences: string[]): AddedTokensForm {
  const tokens = (json.added_tokens ?? []).filter(({ content }) => content !== '')
  for (const token of tokens) {
    const refuse = (what: string) => unsupported(`its token ${quoted(token.content)} ${what}`)
    if (token.single_word) throw refuse('is found between words only (single_word), which llama.cpp cannot')
    if (token.lstrip) throw refuse('takes white space before it (lstrip), which llama.cpp does not')
    if (token.normalized && stepsOf(json.normalizer).length > 0 && !isUntouched(token, json))
      throw refuse('is found in the text as it is after normalization (normalized), which llama.cpp cannot')
  }
  differences.push(...overlaps(tokens))
  return { asPhi3: takesSpaceAfter(tokens) }
}

/** Normal forms leave ASCII as it is. */
const isUntouched = ({ content }: AddedToken, { normalizer }: TokenizerJson) =>
  stepsOf(normalizer).every(({ type }) => /^NFK?[CD]$/.test(type ?? '')) &&
  [...content].every((char) => char < '\u0080')

/** llama.cpp drops white space after special tokens for Phi-3 alone: after all but these. */
const keptAfter = ['<unk>', '<s>', '<|endoftext|>']

function takesSpaceAfter(tokens: readonly AddedToken[]): boolean {
  const stripped = tokens.filter(({ rstrip }) => rstrip)
  if (stripped.length === 0) return false
  const known = new Set(tokens.map(({ content }) => content))
  const isPhi3 =
    [...keptAfter, '</s>'].every((piece) => known.has(piece)) &&
    tokens.every(({ content, rstrip }) => (rstrip ?? false) !== keptAfter.includes(content))
  if (isPhi3) return true
  throw unsupported(
    `its token ${quoted(stripped[0]!.content)} takes white space after it (rstrip), which llama.cpp does for the tokens of Phi-3 alone`,
  )
}

/** Of tokens that share characters in a text, the tokenizer finds the one that begins first, llama.cpp the longest. */
function* overlaps(tokens: readonly AddedToken[]): Generator<string> {
  const differs = (one: string, other: string) =>
    `where its tokens ${quoted(one)} and ${quoted(other)} overlap in a text, llama.cpp finds the longer`
  const byPrefix = new Map<string, AddedToken[]>()
  for (const token of tokens)
    for (let length = 1; length < token.content.length; length++) {
      const prefix = token.content.slice(0, length)
      const others = byPrefix.get(prefix)
      if (others) others.push(token)
      else byPrefix.set(prefix, [token])
    }
  for (const first of tokens)
    for (let at = 1; at < first.content.length; at++)
      for (const second of byPrefix.get(first.content.slice(at)) ?? [])
        if (first !== second && size(first) <= size(second) && !(isRun(first) && isRun(second)))
          return yield differs(first.content, second.content)
  // Tokens that are not normalized are looked for before the others, however short they are.
  const early = tokens.filter(({ normalized }) => !normalized)
  for (const late of tokens)
    for (const { content } of late.normalized ? early : [])
      if (late.content.includes(content)) return yield differs(content, late.content)
}

const size = ({ content }: AddedToken) => new TextEncoder().encode(content).length

/** One character, again and again. */
const isRun = ({ content }: AddedToken) => content === content[0]!.repeat(content.length)
