import type { TokenSource } from '@outrider/speculative'
import type { Colours } from '../terminal'

type Paint = (text: string) => string

/** How a token looks, by where it comes from: accepted ones by who drafted them. Where colours are off, as any other text. */
export function tokenColours(style: Colours): (token: { source: TokenSource; drafter?: string | undefined }) => Paint {
  const looks: Record<Exclude<TokenSource, 'draft'>, Paint> = {
    // Underlined too: red and green alone look the same to some eyes. Blanks around the word are left without a line.
    correction: (text) => text.replace(/\S(?:.*\S)?/s, (word) => style.underline(style.red(word))),
    bonus: style.cyan,
    plain: (text) => text,
  }
  const accepted: Record<string, Paint> = { prompt: style.yellow, answers: style.magenta }
  return ({ source, drafter = 'model' }) => (source === 'draft' ? (accepted[drafter] ?? style.green) : looks[source])
}

const acceptedBy: Record<string, string> = {
  prompt: 'looked up',
  answers: 'from answers',
  model: 'drafted',
}

/** What the colours mean, in one line. */
export function tokenLegend(style: Colours, drafters: readonly string[] = ['model']): string {
  const paint = tokenColours(style)
  const only = drafters.length === 1 ? ' and accepted' : ''
  return [
    ...drafters.map((drafter) => paint({ source: 'draft', drafter })(`${acceptedBy[drafter] ?? drafter}${only}`)),
    paint({ source: 'correction' })('corrected by the target'),
    paint({ source: 'bonus' })('bonus'),
    'plain',
  ].join(style.dim(' · '))
}
