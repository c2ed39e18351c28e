import { InvalidArgumentError } from 'commander'

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
    if (text.trim() !== '' && value >= least && value <= most) return value
    throw new InvalidArgumentError(
      `It must be a number ${most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`}.`,
    )
  }
}

/** `3,5` → [3, 5]. */
export function listOf<T>(parse: (text: string) => T) {
  return (text: string): T[] => text.split(',').map((part) => parse(part.trim()))
}

/** γ as a number of tokens, or `auto`. */
export function draftLength(text: string): number | 'auto' {
  return text === 'auto' ? 'auto' : integer({ least: 1 })(text)
}
