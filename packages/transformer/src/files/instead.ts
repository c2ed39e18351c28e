/** What lies in a file's place now and then, and how to come by the file. */
export interface Instead {
  what: string
  remedy: string
}

/**
 * What the first bytes of a file say that it is, where that is none of a model's files: an HTML page, a pointer of Git LFS,
 * compressed data. Undefined for anything else.
 */
export function insteadOf(first: Uint8Array): Instead | undefined {
  const text = new TextDecoder().decode(first.subarray(0, 512))
  return kinds.find(({ begins }) => begins(text, first))
}

/** Whether an HTML page may begin so, by its first byte: with a tag, a blank or a byte order mark. */
export const mayBeHtml = (byte: number | undefined): boolean =>
  byte !== undefined && [0x3c, 0xef, 0x20, 0x09, 0x0a, 0x0d].includes(byte)

const kinds: readonly (Instead & { begins: (text: string, bytes: Uint8Array) => boolean })[] = [
  {
    begins: (text) =>
      /^\s*(<\?xml[^>]*>\s*|<!--(?:[^-]|-(?!->))*-->\s*)*<(!doctype html|html|head|body|title|meta)\b/i.test(text),
    what: 'an HTML page',
    remedy: 'The server answers with a page (its own for what it does not have, or a login): check the address.',
  },
  {
    begins: (text) => text.startsWith('version https://git-lfs.github.com/'),
    what: 'a pointer of Git LFS, not the file itself',
    remedy: 'Fetch the file with "git lfs pull", or from a host that serves what the pointer stands for.',
  },
  {
    begins: (_, bytes) => bytes[0] === 0x1f && bytes[1] === 0x8b,
    what: 'compressed (gzip)',
    remedy: 'Decompress it; a server that sends it must say so in Content-Encoding.',
  },
]
