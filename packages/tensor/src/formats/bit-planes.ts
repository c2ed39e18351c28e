/** The low halves of eight bytes, given as two little-endian words, in one word: the first in the lowest bits. */
export const lowNibbles = (a: number, b: number): number => (four(a) | (four(b) << 16)) >>> 0

/** Their high halves. */
export const highNibbles = (a: number, b: number): number => lowNibbles(a >>> 4, b >>> 4)

function four(word: number): number {
  const bytes = word & 0x0f0f0f0f
  const pairs = (bytes | (bytes >>> 4)) & 0x00ff00ff
  return (pairs | (pairs >>> 8)) & 0xffff
}
