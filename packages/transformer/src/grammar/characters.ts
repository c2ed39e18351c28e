import type { Part } from './grammar'
import { symbols } from './parts'

/** Code points from one to another, both among them. */
export type Range = readonly [low: number, high: number]

export const lastCodePoint = 0x10ffff

/** Ranges in order, none of which touches the next; surrogates are no characters and are left out. */
export function normalized(ranges: readonly Range[]): Range[] {
  const sorted = without(ranges, [0xd800, 0xdfff]).sort(([a], [b]) => a - b)
  const joined: [number, number][] = []
  for (const [low, high] of sorted) {
    const last = joined.at(-1)
    if (last && low <= last[1] + 1) last[1] = Math.max(last[1], high)
    else joined.push([low, high])
  }
  return joined
}

/** All characters but these. */
export function complement(ranges: readonly Range[]): Range[] {
  const others: Range[] = []
  let next = 0
  for (const [low, high] of normalized(ranges)) {
    if (low > next) others.push([next, low - 1])
    next = high + 1
  }
  if (next <= lastCodePoint) others.push([next, lastCodePoint])
  return normalized(others)
}

/** Ranges without one. */
export function without(ranges: readonly Range[], [from, to]: Range): Range[] {
  return ranges.flatMap(([low, high]): Range[] =>
    high < from || low > to
      ? [[low, high]]
      : (
          [
            [low, from - 1],
            [to + 1, high],
          ] as Range[]
        ).filter(([low, high]) => low <= high),
  )
}

/** A character of some ranges, in UTF-8. */
export const utf8Character =
  (ranges: readonly Range[]): Part =>
  (grammar, from) => {
    const to = grammar.node()
    for (const range of normalized(ranges))
      for (const bytes of utf8Ranges(range)) {
        const last = bytes.slice(0, -1).reduce((at, [low, high]) => symbols(low, high)(grammar, at), from)
        const [low, high] = bytes.at(-1)!
        grammar.nodes[last]!.edges.push({ low, high, to })
      }
    return to
  }

/** A range as sequences of ranges of bytes: all bytes of such a sequence are free of one another (as RE2 and Rust's regex do). */
export function utf8Ranges([low, high]: Range): [low: number, high: number][][] {
  for (const last of [0x7f, 0x7ff, 0xffff])
    if (low <= last && last < high) return [...utf8Ranges([low, last]), ...utf8Ranges([last + 1, high])]
  if (high < 0x80) return [[[low, high]]]
  for (let bits = 6; bits <= 18; bits += 6) {
    const mask = 2 ** bits - 1
    if ((low & ~mask) === (high & ~mask)) continue
    if ((low & mask) !== 0) return [...utf8Ranges([low, low | mask]), ...utf8Ranges([(low | mask) + 1, high])]
    if ((high & mask) !== mask) return [...utf8Ranges([low, (high & ~mask) - 1]), ...utf8Ranges([high & ~mask, high])]
  }
  const [from, to] = [low, high].map((point) => utf8.encode(String.fromCodePoint(point)))
  return [Array.from(from!, (byte, at) => [byte, to![at]!])]
}

const utf8 = new TextEncoder()
