import type { PretrainedModel } from '@outrider/transformer'
import { expect, test } from 'vitest'
import { LookupAdvice } from './lookup-advice'
import type { OpenDraft } from './open-draft'

const target = { model: { device: { isSoftware: false } } } as PretrainedModel
const draft: OpenDraft = { name: './tiny', lookup: false, answers: undefined, model: target, folder: undefined }
const text = Array.from({ length: 100 }, (_, i) => i)
/** An answer that repeats what was asked. */
const repeating = { prompt: [...text, 500, 0], tokens: text.slice(1) }
const telling = { prompt: text, tokens: text.map((id) => id + 1000) }

test('is given once, where answers repeat what was said, with the flag to type', () => {
  const advice = new LookupAdvice(target, { draft: undefined })
  expect(advice.after(repeating)).toEqual({
    what: expect.stringMatching(/about \d+\.\d times as fast/),
    flag: '--draft lookup',
  })
  expect(advice.after(repeating)).toBeUndefined()
  expect(new LookupAdvice(target, { draft }).after(repeating)?.flag).toBe('--draft lookup+./tiny')
})

test('is not given where answers say something new, nor where they are looked up already', () => {
  const advice = new LookupAdvice(target, { draft: undefined })
  for (let i = 0; i < 5; i++) expect(advice.after(telling)).toBeUndefined()
  expect(new LookupAdvice(target, { draft: { ...draft, lookup: true } }).after(repeating)).toBeUndefined()
})

test('goes by what passes cost, where that was measured', () => {
  const dear = [1, 2, 16].map((rows) => ({ rows, seconds: rows }))
  const costs = { draftSeconds: 0, targetSeconds: dear }
  expect(new LookupAdvice(target, { draft: undefined, costs }).after(repeating)).toBeUndefined()
})
