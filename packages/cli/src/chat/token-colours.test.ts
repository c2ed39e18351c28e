import { expect, test } from 'vitest'
import { colours, width } from '../terminal'
import { tokenColours, tokenLegend } from './token-colours'

const every = [
  ...['prompt', 'answers', 'model'].map((drafter) => ({ source: 'draft' as const, drafter })),
  ...(['correction', 'bonus', 'plain'] as const).map((source) => ({ source, drafter: 'prompt' })),
]

test('every source of a token has its own look, and the text under it is unchanged', () => {
  const paint = tokenColours(colours(true))
  const looks = every.map((token) => paint(token)(' word\n'))
  expect(new Set(looks).size).toBe(6)
  for (const look of looks) expect(width(look)).toBe(6)
})

test('a correction is told by more than its colour, and blanks around it are not underlined', () => {
  const correction = tokenColours(colours(true))({ source: 'correction' })
  expect(correction(' a b\n')).toBe(' \x1b[4m\x1b[31ma b\x1b[39m\x1b[24m\n')
  expect(correction('\n')).toBe('\n')
})

test('without colours it is plain text', () => {
  for (const token of every) expect(tokenColours(colours(false))(token)(' word\n')).toBe(' word\n')
})

test('the legend has those who may draft, and fits into 80 columns', () => {
  expect(tokenLegend(colours(false))).toMatch(/^drafted and accepted · corrected/)
  expect(tokenLegend(colours(false), ['prompt'])).toMatch(/^looked up and accepted · corrected/)
  const drafters = ['prompt', 'answers', 'model']
  expect(tokenLegend(colours(false), drafters)).toMatch(/^looked up · from answers · drafted · corrected/)
  for (const legend of [tokenLegend(colours(true), drafters), tokenLegend(colours(true))])
    expect(width(legend)).toBeLessThan(80)
})
