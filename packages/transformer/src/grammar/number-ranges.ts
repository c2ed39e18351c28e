import type { Grammar, Part } from './grammar'
import { mostDigits } from './json-text'
import { never, nothing, oneOf, optional, repeated, sequence, symbols, text } from './parts'

/** What a number may be: bounds are among it, where they are not said to be outside. */
export interface Bounds {
  min: number
  max: number
  aboveMin?: boolean
  belowMax?: boolean
}

const digits = (low: number, high: number): Part => (low > high ? never : symbols(0x30 + low, 0x30 + high))
const anyDigits = (grammar: Grammar, min: number, max: number): Part =>
  max < min ? never : repeated(grammar.kept('json digit', symbols(0x30, 0x39)), min, max)

/** Whole numbers in a range, of 15 digits at most, digit by digit. */
export function wholeNumbers(grammar: Grammar, { min, max, aboveMin = false, belowMax = false }: Bounds): Part {
  const most = 10 ** mostDigits - 1
  const least = Math.max(-most, aboveMin ? Math.floor(min) + 1 : Math.ceil(min))
  const greatest = Math.min(most, belowMax ? Math.ceil(max) - 1 : Math.floor(max))
  return oneOf(
    least <= -1 ? sequence(text('-'), naturals(grammar, Math.max(1, -greatest), -least)) : never,
    greatest >= 0 ? naturals(grammar, Math.max(0, least), greatest) : never,
  )
}

/** From `low` to `high`, neither below 0, without leading zeros: for every length those between two numbers of that length. */
function naturals(grammar: Grammar, low: number, high: number): Part {
  if (low > high) return never
  const lengths: Part[] = []
  for (let length = String(low).length; length <= String(high).length; length++) {
    const first = Math.max(low, length === 1 ? 0 : 10 ** (length - 1))
    const last = Math.min(high, 10 ** length - 1)
    lengths.push(between(grammar, String(first), String(last)))
  }
  return oneOf(...lengths)
}

/** Texts of one length that lie between two such texts. */
function between(grammar: Grammar, low: string, high: string): Part {
  if (low === '') return nothing
  const [a, b] = [Number(low[0]), Number(high[0])]
  if (a === b) return sequence(digits(a, a), between(grammar, low.slice(1), high.slice(1)))
  const rest = low.length - 1
  const nines = '9'.repeat(rest)
  const zeros = '0'.repeat(rest)
  return oneOf(
    sequence(
      digits(a, a),
      low.slice(1) === zeros ? anyDigits(grammar, rest, rest) : between(grammar, low.slice(1), nines),
    ),
    a + 1 <= b - 1 ? sequence(digits(a + 1, b - 1), anyDigits(grammar, rest, rest)) : never,
    sequence(
      digits(b, b),
      high.slice(1) === nines ? anyDigits(grammar, rest, rest) : between(grammar, zeros, high.slice(1)),
    ),
  )
}

/** A decimal without sign: the digits before the point, and those behind it without their last zeros. */
interface Decimal {
  whole: number
  fraction: string
}

/**
 * Numbers in a range, written without an exponent, with as many digits behind the point that what is written is what a 64-bit
 * float reads: 15 together with those before it.
 *
 * @returns undefined where a bound is too large or too small for that
 */
export function decimals(grammar: Grammar, bounds: Bounds): Part | undefined {
  const { min, max, aboveMin = false, belowMax = false } = bounds
  const most = 10 ** 9
  if ([min, max].some((bound) => Number.isFinite(bound) && (Math.abs(bound) > most || /e/.test(String(bound)))))
    return undefined
  const low = { value: Math.max(min, -most), open: aboveMin && min > -most }
  const high = { value: Math.min(max, most), open: belowMax && max < most }
  const natural = (from: typeof low, to: typeof low): Part => {
    if (from.value > to.value || (from.value === to.value && (from.open || to.open))) return never
    return unsigned(grammar, decimalOf(from.value), from.open, decimalOf(to.value), to.open)
  }
  const zero = { value: 0, open: false }
  const [negLow, negHigh] = [
    { value: -high.value, open: high.open },
    { value: -low.value, open: low.open },
  ]
  return oneOf(
    low.value < 0 ? sequence(text('-'), natural(negLow.value < 0 ? { value: 0, open: true } : negLow, negHigh)) : never,
    high.value >= 0 ? natural(low.value < 0 ? zero : low, high) : never,
  )
}

function decimalOf(value: number): Decimal {
  const [whole, fraction = ''] = String(value).split('.')
  return { whole: Number(whole), fraction }
}

function unsigned(grammar: Grammar, low: Decimal, lowOpen: boolean, high: Decimal, highOpen: boolean): Part {
  const places = mostDigits - String(high.whole).length
  const anyFraction = optional(sequence(text('.'), anyDigits(grammar, 1, places)))
  const whole = (value: number) => text(String(value))
  const point = (part: Part) => sequence(text('.'), part)
  const aboveLow = sequence(
    whole(low.whole),
    oneOf(
      point(atLeast(grammar, low.fraction, lowOpen, places, true)),
      low.fraction === '' && !lowOpen ? nothing : never,
    ),
  )
  const belowHigh = sequence(
    whole(high.whole),
    oneOf(
      point(atMost(grammar, high.fraction, highOpen, places, true)),
      high.fraction === '' && highOpen ? never : nothing,
    ),
  )
  if (low.whole < high.whole)
    return oneOf(aboveLow, sequence(naturals(grammar, low.whole + 1, high.whole - 1), anyFraction), belowHigh)
  const inside = point(within(grammar, low.fraction, lowOpen, high.fraction, highOpen, places, true))
  return sequence(whole(low.whole), oneOf(inside, low.fraction === '' && !lowOpen ? nothing : never))
}

/** Digits behind a point that are at least those of a bound; `first` where none has been written. */
function atLeast(grammar: Grammar, bound: string, open: boolean, places: number, first: boolean): Part {
  if (places <= 0) return bound === '' && !open ? nothing : never
  if (bound === '') {
    if (!open) return anyDigits(grammar, first ? 1 : 0, places)
    const zeros = Array.from({ length: places }, (_, count) =>
      sequence(text('0'.repeat(count)), digits(1, 9), anyDigits(grammar, 0, places - count - 1)),
    )
    return oneOf(...zeros)
  }
  const digit = Number(bound[0])
  return oneOf(
    sequence(digits(digit + 1, 9), anyDigits(grammar, 0, places - 1)),
    sequence(digits(digit, digit), atLeast(grammar, bound.slice(1), open, places - 1, false)),
  )
}

/** Digits behind a point that are at most those of a bound. */
function atMost(grammar: Grammar, bound: string, open: boolean, places: number, first: boolean): Part {
  if (bound === '') return open ? never : zeros(grammar, first ? 1 : 0, places)
  if (places <= 0) return nothing
  const digit = Number(bound[0])
  return oneOf(
    first ? never : nothing,
    sequence(digits(0, digit - 1), anyDigits(grammar, 0, places - 1)),
    sequence(digits(digit, digit), atMost(grammar, bound.slice(1), open, places - 1, false)),
  )
}

/** Digits between two bounds that have the same digits so far. */
function within(
  grammar: Grammar,
  low: string,
  lowOpen: boolean,
  high: string,
  highOpen: boolean,
  places: number,
  first: boolean,
): Part {
  if (places <= 0) return low === '' && !lowOpen && (high !== '' || !highOpen) ? nothing : never
  if (high === '') return low === '' && !lowOpen && !highOpen ? zeros(grammar, first ? 1 : 0, places) : never
  const [a, b] = [Number(low[0] ?? 0), Number(high[0])]
  const stop = !first && low === '' && !lowOpen ? nothing : never
  if (a === b)
    return oneOf(
      stop,
      sequence(digits(a, a), within(grammar, low.slice(1), lowOpen, high.slice(1), highOpen, places - 1, false)),
    )
  return oneOf(
    stop,
    sequence(digits(a, a), atLeast(grammar, low.slice(1), lowOpen, places - 1, false)),
    sequence(digits(a + 1, b - 1), anyDigits(grammar, 0, places - 1)),
    sequence(digits(b, b), atMost(grammar, high.slice(1), highOpen, places - 1, false)),
  )
}

const zeros = (grammar: Grammar, min: number, max: number): Part =>
  max < min ? never : repeated(grammar.kept('json zero', text('0')), min, max)
