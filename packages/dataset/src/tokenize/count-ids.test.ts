import { expect, it } from 'vitest'
import { rows, texts } from '../sources/rows'
import { chatSpeaker } from '../tiny-model.fixture'
import { countIds, frequentIds } from './count-ids'

const said = (counts: Float64Array) =>
  Object.fromEntries([...counts.entries()].filter(([, count]) => count > 0).map(([id, count]) => [id, count]))
const letter = (text: string) => text.charCodeAt(0)
const [end] = chatSpeaker.generationConfig.eosTokenIds as [number]

it('counts the tokens of answers and what ends them, and none of the questions', async () => {
  const conversations = rows(
    ['aab', 'b'].map((content) => ({
      kind: 'conversation' as const,
      metadata: {},
      messages: [
        { role: 'user' as const, content: 'qqqq' },
        { role: 'assistant' as const, content },
      ],
    })),
  )
  const counts = await countIds(conversations, chatSpeaker)
  expect(counts).toHaveLength(chatSpeaker.config.vocabularySize)
  expect(said(counts)).toEqual({ [letter('a')]: 2, [letter('b')]: 2, [end]: 2 })
})

it('counts every token of a text once, but the first of all', async () => {
  const long = 'xy'.repeat(3000)
  const counts = await countIds(texts([long, 'z']), chatSpeaker)
  const { [letter('x')]: x, [letter('y')]: y, [letter('z')]: z } = said(counts)
  expect([x! + y!, z]).toEqual([6000, 1])
})

it('takes the most frequent ids, the lower of equals, the ends of text, and then the first that were never said', () => {
  const counts = new Float64Array(chatSpeaker.config.vocabularySize)
  for (const [id, count] of [
    [50, 3],
    [40, 7],
    [60, 3],
    [3, 1],
  ] as const)
    counts[id] = count
  expect(frequentIds(counts, 3, chatSpeaker)).toEqual([40, 50, end])
  expect(frequentIds(counts, 7, chatSpeaker)).toEqual([0, 1, 3, 40, 50, 60, end])
  expect(frequentIds(counts, 1e6, chatSpeaker)).toHaveLength(chatSpeaker.config.vocabularySize)
})

it.each([0, -1, 2.5, Number.NaN])('refuses a vocabulary of %d', (size) => {
  expect(() => frequentIds([], size, chatSpeaker)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
})
