import { expect, it } from 'vitest'
import { stopsText } from './stops-text'

const chosen = { stopChosenRate: 0.25, stopSavingRate: 0.6, meanStopThreshold: 0.3 }

it('says how many drafts may stop and where, or why none may', () => {
  expect(stopsText(chosen)).toBe(
    '25 % of the drafts may stop, below p = 0.30: a step that is left out saves 0.60 of one that is run',
  )
  const none = { ...chosen, stopChosenRate: 0, meanStopThreshold: null }
  expect(stopsText(none)).toMatch(/^no draft may stop, though .* saves 0\.60/)
  expect(stopsText({ ...none, stopSavingRate: -0.4 })).toMatch(/takes as long as one that is run$/)
  expect(stopsText({ ...none, stopSavingRate: null })).toMatch(/was not measured$/)
})
