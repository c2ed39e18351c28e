/** What could be drafted for one sequence, one way of it. */
export interface Gains {
  /** Tokens that each further drafted one is expected to add: Πⱼ≤ᵢ aⱼ for the i-th. */
  tokens: readonly number[]
  /** Seconds that drafting it takes, the first with what is to be read before; where it joins others' steps, beside these. */
  seconds: readonly number[]
  /** Whether a token is drafted in one pass with those of other sequences that are as far. */
  joins?: boolean | undefined
}

/** What a step would be made of. */
export interface StepSize {
  rows: number
  drafting: number
  /** Seconds of drafting, but for the steps that are shared. */
  draftSeconds: number
  /** Rows of each of the draft steps that are shared. */
  steps: readonly number[]
}

export interface BestLengthsInput {
  /** By sequence, the ways to draft for it; a sequence without any adds a row. */
  ways: readonly (readonly Gains[])[]
  /** What the step has in any case: the rows of all sequences without a draft, and what others have chosen themselves. */
  least: StepSize & { tokens: number }
  /** Seconds of a step. */
  secondsOf: (size: StepSize) => number
  /** About what a row more takes of a draft step that is shared: it decides in which order drafts are looked at. Default 0. */
  joinSeconds?: number
  /** The most rows of the pass, as far as drafts have a say. Default any number. */
  mostRows?: number
}

/** A way of a sequence's, and how many of its tokens. */
export interface Length {
  way: number
  draftLength: number
}

export interface BestLengths {
  /** By sequence; null: nothing is drafted for it. */
  lengths: (Length | null)[]
  /** Tokens a second that the step is expected to bring. */
  rate: number
}

/** A few: it stands still after two or three. */
const rounds = 4

/**
 * Who is drafted for, by what and how far, so that a step brings the most tokens a second: (tokens without a draft + Σ gains) /
 * seconds of one pass over all rows and of all drafts. A fractional program, solved as Dinkelbach (1967) does: at the rate λ
 * of the best known step a token is worth 1/λ seconds, so drafts are taken by what they bring beyond their own seconds, best first,
 * and after each it is seen what the step comes to. Whatever the pass takes by rows, no draft at all is among what is looked at.
 */
export function bestLengths(input: BestLengthsInput): BestLengths {
  const { ways, least, secondsOf } = input
  const none: BestLengths = { lengths: ways.map(() => null), rate: least.tokens / secondsOf(least) }
  let best = none
  for (let round = 0; round < rounds; round++) {
    const found = walked(input, best.rate)
    if (found.rate <= best.rate) break
    best = found
  }
  return best
}

/** Adds a row to each of the shared draft steps from one on, up to before another. */
export function addRow(steps: number[], from: number, to: number): void {
  for (let i = from; i < to; i++) steps[i] = (steps[i] ?? 0) + 1
}

/** Takes segments of drafts by their worth a row; the best step on the way. */
function walked(input: BestLengthsInput, rate: number): BestLengths {
  const { ways, least, secondsOf, joinSeconds = 0, mostRows = Number.POSITIVE_INFINITY } = input
  const prices = { rate, perRow: rowSeconds(input), joinSeconds }
  const segments = ways.flatMap((each, sequence) =>
    segmentsOf(each, prices).map((segment) => ({ ...segment, sequence })),
  )
  segments.sort((a, b) => b.worth - a.worth)
  const lengths: (Length | null)[] = ways.map(() => null)
  const steps = [...least.steps]
  const size = { ...least, steps }
  let best: BestLengths = { lengths: [...lengths], rate: least.tokens / secondsOf(least) }
  for (const { sequence, way, draftLength, rows, tokens, seconds, worth } of segments) {
    if (worth <= 0 || size.rows + rows > mostRows) break // not even if its rows were free
    if (!lengths[sequence]) size.drafting++
    if (ways[sequence]![way]!.joins) addRow(steps, lengths[sequence]?.draftLength ?? 0, draftLength)
    lengths[sequence] = { way, draftLength }
    size.rows += rows
    size.tokens += tokens
    size.draftSeconds += seconds
    const reached = size.tokens / secondsOf(size)
    if (reached > best.rate) best = { lengths: [...lengths], rate: reached }
  }
  return best
}

interface Segment {
  way: number
  /** γ with it. */
  draftLength: number
  /** What it adds. */
  rows: number
  tokens: number
  seconds: number
  /** Tokens a row beyond what its seconds are worth. */
  worth: number
}

/** What a row more takes, about: it decides between the ways of a sequence alone. */
function rowSeconds({ ways, least, secondsOf }: BestLengthsInput): number {
  const more = 2 * ways.length
  return Math.max(0, secondsOf({ ...least, rows: least.rows + more }) - secondsOf(least)) / more
}

interface Prices {
  /** Tokens a second. */
  rate: number
  /** Seconds of a row of the pass. */
  perRow: number
  joinSeconds: number
}

/** The way that is worth most, in segments of falling worth: the upper hull over its lengths. */
function segmentsOf(ways: readonly Gains[], { rate, perRow, joinSeconds }: Prices): Segment[] {
  const secondsOf = ({ seconds, joins }: Gains, i: number) => seconds[i]! + (joins ? joinSeconds : 0)
  let best: { way: number; gains: Gains; worth: number } | undefined
  for (const [way, gains] of ways.entries()) {
    let [sum, worth] = [0, Number.NEGATIVE_INFINITY]
    for (const [i, tokens] of gains.tokens.entries()) {
      sum += tokens - rate * (secondsOf(gains, i) + perRow)
      worth = Math.max(worth, sum)
    }
    if (!best || worth > best.worth) best = { way, gains, worth }
  }
  if (!best) return []
  const { way, gains } = best
  const segments: Segment[] = []
  for (const [i, tokens] of gains.tokens.entries()) {
    const seconds = gains.seconds[i]!
    const worth = tokens - rate * secondsOf(gains, i)
    let segment: Segment = { way, draftLength: i + 1, rows: 1, tokens, seconds, worth }
    // What pays only together is taken together.
    for (let last = segments.at(-1); last && last.worth < segment.worth; last = segments.at(-1)) {
      segments.pop()
      const rows = last.rows + segment.rows
      const worth = (last.worth * last.rows + segment.worth * segment.rows) / rows
      segment = {
        ...segment,
        rows,
        worth,
        tokens: last.tokens + segment.tokens,
        seconds: last.seconds + segment.seconds,
      }
    }
    segments.push(segment)
  }
  return segments
}
