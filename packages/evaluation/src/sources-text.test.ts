import { expect, test } from 'vitest'
import { sourcesText } from './sources-text'

const figures = (source: string, numAcceptedTokens: number, numDraftTokens: number) => ({
  source,
  numDrafts: 1,
  numDraftTokens,
  numAcceptedTokens,
  meanAcceptanceLength: 1,
  draftAcceptanceRate: 0,
  acceptanceRate: 0,
})

test('says of each source how much of its drafts was accepted, in words', () => {
  const sources = [figures('prompt', 3, 4), figures('answers', 0, 2), figures('model', 5, 9), figures('mine', 1, 1)]
  expect(sourcesText({ sources })).toBe('accepted: looked up 3/4 · from answers 0/2 · by the draft 5/9 · mine 1/1')
  expect(sourcesText({ sources: sources.slice(0, 1) })).toBe('accepted: looked up 3/4')
})

test('says nothing where one model drafted all, or nothing was drafted', () => {
  expect(sourcesText({ sources: [figures('model', 5, 9)] })).toBe('')
  expect(sourcesText({ sources: [] })).toBe('')
})
