import { AnswerTable } from '@outrider/speculative'
import type { PretrainedModel } from '@outrider/transformer'
import { expect, it } from 'vitest'
import { currentDrafter, learn, learnTable } from './drafter'

it('drafts from a table of answers that is given from then on, and learns on in it', () => {
  const tokenizer = { vocabularySize: 8, fingerprint: 'eight' }
  const target = { tokenizer } as unknown as PretrainedModel
  const now = () =>
    currentDrafter({ draft: undefined, target }, { lookUpFirst: false, learnFromAnswers: true }).identity
  const before = now()
  expect(now()).toBe(before)
  const table = new AnswerTable(tokenizer)
  table.add([1, 2, 3])
  learnTable(target, table)
  const after = now()
  expect(after).not.toBe(before)
  expect(now()).toBe(after)
  learn(target, [4, 5])
  expect(table.after([4], 1)?.ids).toEqual([5])
})
