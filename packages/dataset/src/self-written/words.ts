/** The words of a text, without case; of scripts that set none apart, its letters. */
export const wordsOf = (text: string): string[] => text.toLowerCase().match(words) ?? []

const words =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]|[\p{L}\p{M}\p{N}]+/gu

/** Runs of `length` words that follow one another; of fewer words, all of them as one. */
export function shinglesOf(text: string, length: number): string[] {
  const all = wordsOf(text)
  if (all.length <= length) return [all.join(' ')]
  return Array.from({ length: all.length - length + 1 }, (_, i) => all.slice(i, i + length).join(' '))
}
