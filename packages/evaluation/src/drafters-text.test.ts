import { expect, test } from 'vitest'
import { draftersText } from './drafters-text'

const figures = (drafter: string, numAcceptedTokens: number, numDraftTokens: number) => ({
  drafter,
  numDrafts: 1,
  numDraftTokens,
  numAcceptedTokens,
  meanAcceptanceLength: 1,
  draftAcceptanceRate: 0,
  acceptanceRate: 0,
})

test('says of each drafter how much of its drafts was accepted, in words', () => {
  const drafters = [figures('prompt', 3, 4), figures('answers', 0, 2), figures('model', 5, 9), figures('mine', 1, 1)]
  expect(draftersText({ drafters })).toBe('accepted: looked up 3/4 · from answers 0/2 · by the draft 5/9 · mine 1/1')
  expect(draftersText({ drafters: drafters.slice(0, 1) })).toBe('accepted: looked up 3/4')
})

test('says nothing where one model drafted all, or nothing was drafted', () => {
  expect(draftersText({ drafters: [figures('model', 5, 9)] })).toBe('')
  expect(draftersText({ drafters: [] })).toBe('')
})
