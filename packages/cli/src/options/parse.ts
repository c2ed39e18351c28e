import { type DraftStop, maxDraftLength } from '@outrider/speculative'
import { InvalidArgumentError, type Option } from 'commander'

/** Parsers of option values. Each says what is expected when the value is something else. */

export function integer({ least = 0, most = Infinity }: { least?: number; most?: number } = {}) {
  return (text: string): number => {
    const value = Number(text)
    if (text.trim() !== '' && Number.isSafeInteger(value) && value >= least && value <= most) return value
    throw new InvalidArgumentError(
      `It must be an integer ${most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`}.`,
    )
  }
}

export function number({ least = -Infinity, most = Infinity }: { least?: number; most?: number } = {}) {
  return (text: string): number => {
    const value = Number(text)
    if (text.trim() !== '' && Number.isFinite(value) && value >= least && value <= most) return value
    throw new InvalidArgumentError(
      `It must be a number ${most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`}.`,
    )
  }
}

export function positive(text: string): number {
  const value = number({ least: 0 })(text)
  if (value > 0) return value
  throw new InvalidArgumentError('It must be above 0.')
}

/** Memory in bytes: `12GiB`, `600MiB`, `8GB`. */
export function memorySize(text: string): number {
  const [, amount, unit] = /^([\d.]+) ?([KMG]i?B)$/i.exec(text.trim()) ?? []
  const bytes = Math.floor(Number(amount) * (sizeUnits[(unit ?? '').toLowerCase()] ?? 0))
  if (bytes > 0 && Number.isSafeInteger(bytes)) return bytes
  throw new InvalidArgumentError('It must be a size above 0 with its unit, such as 12GiB, 600MiB or 8GB.')
}

const sizeUnits: Readonly<Record<string, number>> = {
  ...{ kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30 },
  ...{ kb: 1e3, mb: 1e6, gb: 1e9 },
}

/** A span of time in seconds: `90s`, `30m`, `1h30m`, or a number of seconds. */
export function timeSpan(text: string): number {
  const [, hours = 0, minutes = 0, seconds = 0] =
    /^(?:([\d.]+)h)?(?:([\d.]+)m)?(?:([\d.]+)s?)?$/.exec(text.trim()) ?? []
  const span = 3600 * Number(hours) + 60 * Number(minutes) + Number(seconds)
  if (span > 0 && Number.isFinite(span)) return span
  throw new InvalidArgumentError('It must be a time above 0, such as 90s, 30m or 1h30m.')
}

/** `3,5` → [3, 5]; an option that is given again adds to its list. */
export function listOf<T>(parse: (text: string) => T) {
  let given: T[] = []
  return (text: string): T[] => {
    given = [...given, ...text.split(',').map((part) => parse(part.trim()))]
    return given
  }
}

/**
 * Of an option that names a file, a model or a text: given again with another value, it is refused. The last one would count,
 * and the first be passed over.
 */
export function once(option: Option): void {
  option.argParser((value: string, previous: string | undefined) => {
    if (previous === undefined || previous === option.defaultValue || previous === value) return value
    throw new InvalidArgumentError(`It is given twice, first as '${previous}'.`)
  })
}

/** γ as a number of tokens, or `auto`. */
export function draftLength(text: string): number | 'auto' {
  return text === 'auto' ? 'auto' : draftTokens(text)
}

/** Where drafts end early: `0.4` or `confidence:0.4`, and `acceptance:0.4`; or `auto`. */
export function draftStop(text: string): DraftStop | 'auto' {
  if (text.trim() === 'auto') return 'auto'
  const [, kind = 'confidence', value] = /^(?:(confidence|acceptance):)?([\d.eE+-]+)$/.exec(text.trim()) ?? []
  if (value === undefined)
    throw new InvalidArgumentError('It must be a number from 0 to 1, acceptance: and such a number, or auto.')
  const threshold = number({ least: 0, most: 1 })(value)
  return kind === 'acceptance' ? { acceptance: threshold } : { confidence: threshold }
}

/** γ as a number of tokens. */
export const draftTokens = integer({ least: 1, most: maxDraftLength })
