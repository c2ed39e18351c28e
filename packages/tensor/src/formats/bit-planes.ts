/**
 * Quants whose bits lie apart: blocks of files have them at the same place of neighbouring bytes, the device has those of eight
 * neighbouring elements side by side, the first in the lowest bits.
 */

/** The low halves of the eight bytes at `at`, in one word. */
export const lowNibbles = (view: DataView, at: number): number => nibbles(view, at, 0)

/** Their high halves. */
export const highNibbles = (view: DataView, at: number): number => nibbles(view, at, 4)

const nibbles = (view: DataView, at: number, place: number): number =>
  (fourNibbles(view.getUint32(at, true) >>> place) | (fourNibbles(view.getUint32(at + 4, true) >>> place) << 16)) >>> 0

function fourNibbles(word: number): number {
  const bytes = word & 0x0f0f0f0f
  const pairs = (bytes | (bytes >>> 4)) & 0x00ff00ff
  return (pairs | (pairs >>> 8)) & 0xffff
}

/** The two bits at `place` of each of the eight bytes at `at`, in a half. */
export const bitPairs = (view: DataView, at: number, place: number): number =>
  fourPairs(view.getUint32(at, true) >>> place) | (fourPairs(view.getUint32(at + 4, true) >>> place) << 8)

function fourPairs(word: number): number {
  const bytes = word & 0x03030303
  const pairs = (bytes | (bytes >>> 6)) & 0x000f000f
  return (pairs | (pairs >>> 12)) & 0xff
}

/**
 * Of blocks that have a bit of element e at place e / 32 of byte e % 32, the bytes being at `at`: the bits of the elements 16 i …, a
 * byte for eight.
 */
export function twoBytes(view: DataView, at: number, i: number): number {
  const bytes = at + (i & 1) * 16
  return singleBits(view, bytes, i >> 1) | (singleBits(view, bytes + 8, i >> 1) << 8)
}

/** The bit at `place` of each of eight bytes, in a byte. */
const singleBits = (view: DataView, at: number, place: number): number =>
  fourBits(view.getUint32(at, true) >>> place) | (fourBits(view.getUint32(at + 4, true) >>> place) << 4)

function fourBits(word: number): number {
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
