/** A stretch of a text on its way to a model. */
export interface Word {
  text: string
  /** Whether it begins the whole text: Metaspace puts its mark before that one only, where it is told `first`. */
  begins: boolean
}

/** A part of a text by its places, and whether a pattern matches it. */
export type Part = readonly [start: number, end: number, matches: boolean]

/** What becomes of the parts that a pattern matches (SplitDelimiterBehavior of the Rust library). */
export const behaviors = ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'] as const
export type Behavior = (typeof behaviors)[number]

/** A text as what a pattern matches and what is between. */
export function partsOf(text: string, pattern: RegExp): Part[] {
  const parts: Part[] = []
  let last = 0
  for (const { index, 0: match } of text.matchAll(pattern)) {
    if (index > last) parts.push([last, index, false])
    last = index + match.length
    parts.push([index, last, true])
  }
  if (last < text.length) parts.push([last, text.length, false])
  return parts
}

/** Cuts a word; what is empty is left out. */
export function cut({ text, begins }: Word, parts: readonly Part[], behavior: Behavior): Word[] {
  const words: Word[] = []
  for (const [start, end] of joined[behavior](parts))
    if (end > start) words.push({ text: text.slice(start, end), begins: begins && start === 0 })
  return words
}

type Range = readonly [start: number, end: number, ...rest: unknown[]]

const joined: Readonly<Record<Behavior, (parts: readonly Part[]) => readonly Range[]>> = {
  Isolated: (parts) => parts,
  Removed: (parts) => parts.filter(([, , matches]) => !matches),
  Contiguous: (parts) => join(parts, (matches, before) => matches === before),
  MergedWithPrevious: (parts) => join(parts, (matches, before) => matches && !before),
  // From behind: a match joins what stands after it.
  MergedWithNext: (parts) => join([...parts].reverse(), (matches, before) => matches && !before).reverse(),
}

/** Joins each part to the one before it in the list, where `joins` says so. */
function join(parts: readonly Part[], joins: (matches: boolean, before: boolean) => boolean): Range[] {
  const ranges: Range[] = []
  let before = false
  for (const [start, end, matches] of parts) {
    const last = ranges.at(-1)
    if (last && joins(matches, before)) ranges[ranges.length - 1] = [Math.min(last[0], start), Math.max(last[1], end)]
    else ranges.push([start, end])
    before = matches
  }
  return ranges
}
