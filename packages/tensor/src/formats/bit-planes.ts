/**
 * Quants whose bits lie apart: blocks of files have them at the same place of neighbouring bytes, the device has those of eight
 * neighbouring elements side by side, the first in the lowest bits.
 */

/** The low halves of eight bytes, given as two little-endian words, in one word. */
export const lowNibbles = (a: number, b: number): number => (four(a) | (four(b) << 16)) >>> 0

/** Their high halves. */
export const highNibbles = (a: number, b: number): number => lowNibbles(a >>> 4, b >>> 4)

function four(word: number): number {
  const bytes = word & 0x0f0f0f0f
  const pairs = (bytes | (bytes >>> 4)) & 0x00ff00ff
  return (pairs | (pairs >>> 8)) & 0xffff
}

/** Two bits of each of eight bytes, those at `place`, in a half. */
export const bitPairs = (a: number, b: number, place: number): number => pairs(a >>> place) | (pairs(b >>> place) << 8)

function pairs(word: number): number {
  const bytes = word & 0x03030303
  const fours = (bytes | (bytes >>> 6)) & 0x000f000f
  return (fours | (fours >>> 12)) & 0xff
}

/** A bit of each of eight bytes, that at `place`, in a byte. */
export const singleBits = (a: number, b: number, place: number): number =>
  singles(a >>> place) | (singles(b >>> place) << 4)

function singles(word: number): number {
  const bytes = word & 0x01010101
  return (bytes | (bytes >>> 7) | (bytes >>> 14) | (bytes >>> 21)) & 0xf
}

/** Bits of eight quants: an expression of WGSL that has them in its low bits, and how many each has. */
export interface BitPlane {
  readonly of: string
  readonly bits: 1 | 2 | 4
}

/**
 * WGSL that returns a `Piece` of quants.
 *
 * @param planes  of the quants, the lowest first
 * @param value   four elements, by an expression of their quants (vec4u)
 */
export function pieceOf(planes: readonly BitPlane[], value: (quants: string) => string): string {
  const four = (offset: 0 | 4) => {
    let lower = 0
    const parts = planes.map(({ of, bits }) => {
      const places = [0, 1, 2, 3].map((i) => `${bits * i}u`).join(', ')
      const word = offset === 0 ? of : `${of} >> ${bits * offset}u`
      const part = `((vec4u(${word}) >> vec4u(${places})) & vec4u(${2 ** bits - 1}u))`
      const placed = lower === 0 ? part : `(${part} << vec4u(${lower}u))`
      lower += bits
      return placed
    })
    return value(parts.length === 1 ? parts[0]! : `(${parts.join(' | ')})`)
  }
  return `return Piece(
      ${four(0)},
      ${four(4)});`
}
