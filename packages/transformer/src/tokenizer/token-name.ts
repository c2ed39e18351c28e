// U+FEFF at the beginning of a token is text of the model, not the mark of a file.
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * A token as OpenAI's completions name it: its text, or `bytes:\xf0\x9f` for what is no whole character, so that names differ where
 * tokens do.
 *
 * @param bytes  of the token (`Tokenizer.tokenBytes`)
 */
export function tokenName(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes)
  } catch {
    return `bytes:${Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}`
  }
}
