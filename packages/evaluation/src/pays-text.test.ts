import { expect, it } from 'vitest'
import { paysText } from './pays-text'

const figures = { meanAcceptanceLength: 2.25, neededAcceptanceLength: 1.5 }

it('says by which figures speculation pays, and that it is measuring before there are enough blocks', () => {
  expect(paysText({ ...figures, pays: true })).toBe('2.25 tokens a block, 1.50 needed: it pays')
  expect(paysText({ ...figures, pays: false })).toMatch(/: it does not pay here$/)
  expect(paysText({ ...figures, pays: null })).toMatch(/: measuring$/)
})
