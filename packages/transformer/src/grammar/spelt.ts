import type { Tokenizer } from '../tokenizer/index'

/** Before a text, so that no tokenizer puts a space there, and nothing grows together with it. */
const before = '\n'

/**
 * The tokens that a tokenizer makes of bytes in the midst of a text; none where it does not spell just these. A character that is
 * not complete is left out.
 */
export function spelt(tokenizer: Tokenizer, bytes: Uint8Array): number[] {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes, { stream: true })
  const ids = tokenizer.encode(before + text, { addSpecialTokens: false })
  const first = ids.findIndex((id) => tokenizer.tokenBytes(id).at(-1) === before.charCodeAt(0))
  const spelling = ids.slice(first + 1)
  let at = 0
  for (const id of spelling) for (const byte of tokenizer.tokenBytes(id)) if (byte !== bytes[at++]) return []
  return first < 0 ? [] : spelling
}
