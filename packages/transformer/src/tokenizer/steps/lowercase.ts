/** Character by character, as the Rust library does it: that a Σ at the end of a word is ς is not known there. */
export function lowercase(text: string): string {
  let lower = ''
  for (const character of text) lower += character.toLowerCase()
  return lower
}
