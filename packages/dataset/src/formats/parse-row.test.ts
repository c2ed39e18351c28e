import { describe, expect, it } from 'vitest'
import { parseRow } from './parse-row'

const parse = (row: unknown) => parseRow(row, 'rows.jsonl, line 7')
const user = { role: 'user', content: 'Why?' }
const assistant = { role: 'assistant', content: 'So.' }

describe('parseRow reads', () => {
  it('conversations in every shape of the field as the same messages', () => {
    const expected = [user, assistant]
    for (const row of [
      { messages: expected },
      { conversations: [{ from: 'human', value: 'Why?' }, { from: 'gpt', value: 'So.' }] }, // biome-ignore format: one row a line
      { prompt: 'Why?', completion: 'So.' },
      { prompt: 'Why?', response: 'So.' },
      { instruction: 'Why?', input: '', output: 'So.' },
      { instruction: 'Why?', instances: [{ input: '', output: 'So.' }] },
      { question: 'Why?', answer: 'So.' },
    ])
      expect(parse(row)).toEqual({ kind: 'conversation', messages: expected, metadata: {} })
  })

  it('instructions with an input, and questions without an answer', () => {
    const messages = (row: unknown) => (parse(row) as { messages: unknown }).messages
    expect(messages({ instruction: 'Sum up.', input: 'A tale.' })).toEqual([
      { role: 'user', content: 'Sum up.\n\nA tale.' },
    ])
    expect(messages({ turns: ['Why?', 'And then?'] })).toEqual([user])
    expect(messages({ prompt: 'Why?' })).toEqual([user])
  })

  it('keeps whatever else a row says', () => {
    expect(parse({ id: 3, turns: ['Why?'], category: 'open' })).toMatchObject({ metadata: { id: 3, category: 'open' } })
  })

  it('texts, and tokens with or without a mask', () => {
    expect(parse({ text: 'Once.' })).toEqual({ kind: 'text', text: 'Once.' })
    expect(parse({ input_ids: [5, 6] })).toEqual({ kind: 'tokens', tokens: [5, 6], lossMask: [1, 1] })
    expect(parse({ input_ids: [5, 6], loss_mask: [0, 1] })).toEqual({
      kind: 'tokens',
      tokens: [5, 6],
      lossMask: [0, 1],
    })
  })
})

describe('parseRow refuses, naming file and line,', () => {
  for (const [what, row, message] of [
    ['what is no object', [1], /must be a JSON object/],
    ['null', null, /must be a JSON object/],
    ['a row of no format', { title: 'x' }, /none of the fields messages, conversations/],
    ['an empty conversation', { messages: [] }, /messages must be a list with something in it/],
    [
      'a message without text',
      { messages: [{ role: 'user' }] },
      /messages\[0\]: content must be a string, not missing/,
    ],
    ['a message that is null', { messages: [null] }, /messages\[0\]: role must be a string/],
    ['a prompt that is a number', { prompt: 5 }, /prompt must be a string, not number/],
    ['turns that are not text', { turns: [{}] }, /turns must hold/],
    ['tokens that are fractions', { input_ids: [1.5] }, /whole numbers/],
    ['a mask of another length', { input_ids: [1, 2], loss_mask: [1] }, /2 elements and loss_mask 1/],
  ] as const)
    it(what, () => {
      expect(() => parse(row)).toThrow(message)
      expect(() => parse(row)).toThrow(/rows\.jsonl, line 7/)
    })
})
