import type { TokenSource } from '@outrider/speculative'
import type { Colours } from '../terminal'

/** How a token of each source looks. Where colours are off, as any other text. */
export function tokenColours(style: Colours): Record<TokenSource, (text: string) => string> {
  return {
    draft: style.green,
    // Underlined too: red and green alone look the same to some eyes. Blanks around the word are left without a line.
    correction: (text) => text.replace(/\S(?:.*\S)?/s, (word) => style.underline(style.red(word))),
    bonus: style.cyan,
    plain: (text) => text,
  }
}

/** What the colours mean, in one line. */
export function tokenLegend(style: Colours): string {
  const paint = tokenColours(style)
  return [
    paint.draft('drafted and accepted'),
    paint.correction('corrected by the target'),
    paint.bonus('bonus'),
    'plain',
  ].join(style.dim(' · '))
}
