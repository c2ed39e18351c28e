/**
 * GPT-2's alphabet, in which byte-level pieces are written: the character of each byte. Printable Latin-1 bytes are
 * themselves, the others the characters from U+0100 on, in order.
 */
export const charOfByte: readonly string[] = makeAlphabet()

export const byteOfChar: ReadonlyMap<string, number> = new Map(charOfByte.map((char, byte) => [char, byte]))

function makeAlphabet(): string[] {
  let next = 0x100
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae
    return String.fromCharCode(printable ? byte : next++)
  })
}
