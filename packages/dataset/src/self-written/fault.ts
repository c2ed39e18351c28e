import { OutriderError } from '@outrider/tensor'
import { shinglesOf, wordsOf } from './words'

/** Why something that a target wrote is not kept. */
export type Fault = 'unfinished' | 'short' | 'repeats' | 'script' | 'duplicate'

export interface Demands {
  /** The fewest words. */
  leastWords: number
  /** Scripts by their Unicode names, of which most letters have to be one. Empty: any one. */
  scripts: readonly string[]
}

/** What is wrong with a text by itself, if anything is. */
export function faultOf(text: string, { leastWords, scripts }: Demands): Fault | undefined {
  if (wordsOf(text).length < leastWords) return 'short'
  if (repeats(text)) return 'repeats'
  if (!isOfOneScript(text, scripts)) return 'script'
  return undefined
}

/** Loops, as small models fall into: many runs of three words that were there before, or one sign over and over. */
function repeats(text: string): boolean {
  const shingles = shinglesOf(text, 3)
  return new Set(shingles).size < mostlyNew * shingles.length || /(\S)\1{19}/u.test(text)
}
const mostlyNew = 0.7

/** Whether nearly all letters are of one script, and of one of those that are wanted; and no character is broken. */
function isOfOneScript(text: string, wanted: readonly string[]): boolean {
  if (text.includes('\uFFFD')) return false
  const letters = text.match(/\p{L}/gu)?.length ?? 0
  const candidates = wanted.length > 0 ? wanted : common
  return candidates.some((script) => lettersOf(text, script) >= mostly * letters)
}
const mostly = 0.9

/** The letters of a script: of Japanese and Korean, those that are written together. */
function lettersOf(text: string, script: string): number {
  const together = writtenTogether[script] ?? [script]
  return (
    text.match(new RegExp(`(?=\\p{L})[${together.map((name) => `\\p{Script=${name}}`).join('')}]`, 'gu'))?.length ?? 0
  )
}

const writtenTogether: Record<string, readonly string[]> = {
  Han: ['Han', 'Latin'],
  Hiragana: ['Han', 'Hiragana', 'Katakana', 'Latin'],
  Hangul: ['Hangul', 'Han', 'Latin'],
}
// biome-ignore format: a list
const common = [
  'Latin', 'Han', 'Hiragana', 'Hangul', 'Cyrillic', 'Greek', 'Arabic', 'Hebrew', 'Devanagari', 'Bengali', 'Tamil', 'Telugu', 'Kannada',
  'Malayalam', 'Gujarati', 'Gurmukhi', 'Sinhala', 'Thai', 'Lao', 'Khmer', 'Myanmar', 'Tibetan', 'Georgian', 'Armenian', 'Ethiopic',
]

/**
 * The scripts that are asked for.
 *
 * @throws OutriderError INVALID_ARGUMENT for one that is not known by that name
 */
export function checkedScripts(scripts: readonly string[] = []): readonly string[] {
  const unknown = scripts.find((script) => !common.includes(script))
  if (unknown === undefined) return scripts
  throw new OutriderError('INVALID_ARGUMENT', `${JSON.stringify(unknown)} is no script that is told apart here.`, {
    remedy: `These are: ${common.join(', ')}.`,
  })
}
