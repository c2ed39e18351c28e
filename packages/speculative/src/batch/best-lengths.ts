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
  /** Different numbers of rows that sequences have: each of them has kernels of its own. */
  kinds: number
  /** Seconds of drafting. */
  draftSeconds: number
}

export interface BestLengthsInput {
  /** By sequence, the ways to draft for it; a sequence without any adds a row. */
  ways: readonly (readonly Gains[])[]
  /**
   * What the step has in any case: the rows of all sequences without a draft, and what others have chosen themselves. `lengths`: γ of
   * these. `steps`: rows of each of their draft steps that are shared.
   */
  least: StepSize & { tokens: number; lengths?: readonly number[]; steps?: readonly number[] }
  /** Seconds of a step. */
  secondsOf: (size: StepSize) => number
  /** Seconds of a draft step that is shared, by its rows. Default none. */
  sharedSeconds?: (rows: number) => number
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
  let best: BestLengths = { lengths: ways.map(() => null), rate: least.tokens / secondsOf(least) }
  for (let round = 0; round < rounds; round++) {
    const found = walked(input, best.rate)
    if (found.rate <= best.rate) break
    best = found
  }
  return alike(input, best)
}

/** The same drafts, all of one length, or drafts for all: what is best for each is of many kinds, which costs. */
function alike(input: BestLengthsInput, found: BestLengths): BestLengths {
  const { ways, mostRows = Number.POSITIVE_INFINITY } = input
  const drafted = found.lengths.map((length) => length?.way)
  const isAny = drafted.some((way) => way !== undefined)
  const longest = isAny
    ? 1 + Math.max(...found.lengths.map((length) => length?.draftLength ?? 0))
    : Math.max(0, ...ways.map(([gains]) => gains?.tokens.length ?? 0))
  let best = found
  for (const chosen of [...(isAny ? [drafted] : []), drafted.map((way) => way ?? 0)])
    for (let length = 1; length <= longest; length++) {
      const step = new Planned(input)
      for (const [sequence, way] of chosen.entries()) {
        const gains = way === undefined ? undefined : ways[sequence]![way]
        if (gains?.tokens.length) step.take(sequence, way!, Math.min(length, gains.tokens.length))
      }
      if (step.size.rows > mostRows) break
      const rate = step.rate()
      if (rate > best.rate) best = { lengths: step.lengths, rate }
    }
  return best
}

/** A step, as it is being planned. */
class Planned {
  readonly #input: BestLengthsInput
  readonly #steps: number[]
  /** How many sequences draft so many tokens. */
  readonly #counts: number[] = []
  readonly size: StepSize & { tokens: number }
  readonly lengths: (Length | null)[]

  constructor(input: BestLengthsInput) {
    const { ways, least } = input
    this.#input = input
    this.#steps = [...(least.steps ?? [])]
    this.size = { ...least }
    this.lengths = ways.map(() => null)
    for (const length of least.lengths ?? []) this.#counts[length] = (this.#counts[length] ?? 0) + 1
    if (ways.length > 0) this.#counts[0] = (this.#counts[0] ?? 0) + ways.length
  }

  rate(): number {
    return this.size.tokens / this.#input.secondsOf(this.size)
  }

  /** Drafts for a sequence up to so many tokens, of which it has some. */
  take(sequence: number, way: number, draftLength: number): void {
    const { ways, sharedSeconds = () => 0 } = this.#input
    const { tokens, seconds, joins } = ways[sequence]![way]!
    const { size } = this
    const before = this.lengths[sequence]?.draftLength ?? 0
    if (before === 0) size.drafting++
    for (let i = before; i < draftLength; i++) {
      size.tokens += tokens[i]!
      size.draftSeconds += seconds[i]!
    }
    if (joins) size.draftSeconds += joinSteps(this.#steps, [before, draftLength], sharedSeconds)
    size.rows += draftLength - before
    size.kinds += this.#count(draftLength, 1) - this.#count(before, -1)
    this.lengths[sequence] = { way, draftLength }
  }

  /** @returns whether a kind has come, or gone */
  #count(length: number, added: number): number {
    const before = this.#counts[length] ?? 0
    this.#counts[length] = before + added
    return Number(before === 0) + Number(before + added === 0)
  }
}

/** Seconds of draft steps to which a row is added, from one on up to before another. */
export function joinSteps(steps: number[], [from, to]: readonly [number, number], secondsOf: Seconds): number {
  let added = 0
  for (let i = from; i < to; i++) {
    const rows = steps[i] ?? 0
    added += secondsOf(rows + 1) - (rows > 0 ? secondsOf(rows) : 0)
    steps[i] = rows + 1
  }
  return added
}

type Seconds = (rows: number) => number

/** Takes segments of drafts by their worth a row; the best step on the way. */
function walked(input: BestLengthsInput, rate: number): BestLengths {
  const { ways, least, sharedSeconds = () => 0, mostRows = Number.POSITIVE_INFINITY } = input
  const joinSeconds = sharedSeconds(least.rows) - (least.rows > 1 ? sharedSeconds(least.rows - 1) : 0)
  const segments = segmentsOf(ways, { rate, perRow: rowSeconds(input), joinSeconds })
  segments.sort((a, b) => b.worth - a.worth)
  const step = new Planned(input)
  let best = { rate: step.rate(), taken: 0 }
  for (const [i, { sequence, way, draftLength, rows, worth }] of segments.entries()) {
    if (worth <= 0 || step.size.rows + rows > mostRows) break // not even if its rows were free
    step.take(sequence, way, draftLength)
    const reached = step.rate()
    if (reached > best.rate) best = { rate: reached, taken: i + 1 }
  }
  const lengths: (Length | null)[] = ways.map(() => null)
  for (const { sequence, way, draftLength } of segments.slice(0, best.taken)) lengths[sequence] = { way, draftLength }
  return { lengths, rate: best.rate }
}

interface Segment {
  sequence: number
  way: number
  /** γ with it. */
  draftLength: number
  /** What it adds. */
  rows: number
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

/** Of each sequence the way that is worth most, in segments of falling worth: the upper hull over its lengths. */
function segmentsOf(ways: BestLengthsInput['ways'], { rate, perRow, joinSeconds }: Prices): Segment[] {
  const segments: Segment[] = []
  for (const [sequence, each] of ways.entries()) {
    const way = each.length > 1 ? mostWorth(each, { rate, perRow, joinSeconds }) : 0
    const gains = each[way]
    if (!gains) continue
    const first = segments.length
    for (const [i, tokens] of gains.tokens.entries()) {
      const worth = tokens - rate * (gains.seconds[i]! + (gains.joins ? joinSeconds : 0))
      const segment: Segment = { sequence, way, draftLength: i + 1, rows: 1, worth }
      // What pays only together is taken together.
      for (
        let last = segments.at(-1)!;
        segments.length > first && last.worth < segment.worth;
        last = segments.at(-1)!
      ) {
        segments.pop()
        const rows = last.rows + segment.rows
        segment.worth = (last.worth * last.rows + segment.worth * segment.rows) / rows
        segment.rows = rows
      }
      segments.push(segment)
    }
  }
  return segments
}

/** Which of the ways of a sequence brings most beyond what its rows and seconds are worth. */
function mostWorth(ways: readonly Gains[], { rate, perRow, joinSeconds }: Prices): number {
  let best = { way: 0, worth: Number.NEGATIVE_INFINITY }
  for (const [way, { tokens, seconds, joins }] of ways.entries()) {
    let sum = 0
    for (const [i, added] of tokens.entries()) {
      sum += added - rate * (seconds[i]! + (joins ? joinSeconds : 0) + perRow)
      if (sum > best.worth) best = { way, worth: sum }
    }
  }
  return best.way
}
