import { expect, test } from 'vitest'
import { colours, width } from '../terminal'
import { tokenColours, tokenLegend } from './token-colours'

test('every source of a token has its own look, and the text under it is unchanged', () => {
  const paint = tokenColours(colours(true))
  const looks = Object.values(paint).map((style) => style(' word\n'))
  expect(new Set(looks).size).toBe(4)
  for (const look of looks) expect(width(look)).toBe(6)
})

test('a correction is told by more than its colour, and blanks around it are not underlined', () => {
  const { correction } = tokenColours(colours(true))
  expect(correction(' a b\n')).toBe(' \x1b[4m\x1b[31ma b\x1b[39m\x1b[24m\n')
  expect(correction('\n')).toBe('\n')
})

test('without colours it is plain text', () => {
  for (const style of Object.values(tokenColours(colours(false)))) expect(style(' word\n')).toBe(' word\n')
})

test('the legend fits into 80 columns', () => {
  expect(width(tokenLegend(colours(true)))).toBeLessThan(80)
})
