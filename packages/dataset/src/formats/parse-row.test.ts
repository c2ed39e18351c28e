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

describe('parseRow reads rows as other libraries write them:', () => {
  it('a column that is null is as absent', () => {
    const joined = { messages: null, text: null, input_ids: null, prompt: 'Why?', completion: 'So.', id: null }
    expect(parse(joined)).toEqual({ kind: 'conversation', messages: [user, assistant], metadata: {} })
    expect(parse({ messages: null, text: 'Once.' })).toEqual({ kind: 'text', text: 'Once.' })
  })

  it('of labels and an attention mask what the labels say is learned, and padding is left out on either side', () => {
    const ids = { input_ids: [2, 50, 70, 1, 4], attention_mask: [1, 1, 1, 1, 0], labels: [-100, -100, 70, 1, -100] }
    expect(parse(ids)).toEqual({ kind: 'tokens', tokens: [2, 50, 70, 1], lossMask: [0, 0, 1, 1] })
    expect(parse({ input_ids: [4, 2, 50], attention_mask: [0, 1, 1] })).toMatchObject({ tokens: [2, 50] })
    expect(parse({ input_ids: [5, 6, 7], loss_mask: [1, 1, 0], labels: [-100, 6, 7] })).toMatchObject({
      lossMask: [0, 1, 0],
    })
  })

  it('speakers of conversations gathered from several models, and content in parts', () => {
    const value = [
      { type: 'text', text: 'S' },
      { type: 'text', text: 'o.' },
    ]
    for (const from of ['gpt', 'chatgpt', 'bing', 'bard', 'model', 'bot', 'assistant', 'GPT'])
      expect(
        parse({
          conversations: [
            { from: 'user', value: 'Why?' },
            { from, value },
          ],
        }),
      ).toMatchObject({
        messages: [user, assistant],
      })
    expect(parse({ messages: [user, { role: 'assistant', content: value }] })).toMatchObject({
      messages: [user, assistant],
    })
  })
})

describe('parseRow puts together what a row says in several places:', () => {
  const messages = (row: object) => (parse(row) as { messages: unknown[] }).messages
  const system = { role: 'system', content: 'Be kind.' }
  const before = [
    { role: 'user', content: 'A' },
    { role: 'assistant', content: 'B' },
  ]

  it('a system prompt and what was said before', () => {
    expect(messages({ instruction: 'Why?', output: 'So.', system: 'Be kind.', history: [['A', 'B']] })).toEqual([
      system,
      ...before,
      user,
      assistant,
    ])
    expect(messages({ system_prompt: 'Be kind.', question: 'Why?', response: 'So.' })).toEqual([
      system,
      user,
      assistant,
    ])
    expect(messages({ conversations: [{ from: 'human', value: 'Why?' }], system: 'Be kind.' })).toEqual([system, user])
    expect(messages({ messages: [system, user], system: 'Be kind.' })).toEqual([system, user])
    expect(() => parse({ messages: [system, user], system: 'Be brief.' })).toThrow(/line 7: system is not what/)
  })

  it('a system prompt under each of its names', () => {
    for (const name of ['system', 'system_prompt', 'system_message', 'system_instruction', 'systemPrompt'])
      expect(messages({ [name]: 'Be kind.', prompt: 'Why?' }), name).toEqual([system, user])
  })

  it('a text or a prompt that was made of the instruction', () => {
    const made = { instruction: 'Why?', output: 'So.', text: 'Below is … Why? … So.', prompt: '### Why?' }
    expect(messages(made)).toEqual([user, assistant])
    expect(parse({ text: 'Q: Why? A: So.', answer: 'So.' })).toEqual({ kind: 'text', text: 'Q: Why? A: So.' })
  })

  it('tokens, which are not made again of what else is there', () => {
    expect(parse({ messages: [user, assistant], input_ids: [5, 6], labels: [-100, 6] })).toEqual({
      kind: 'tokens',
      tokens: [5, 6],
      lossMask: [0, 1],
    })
  })

  it('a context with its instruction', () => {
    expect(messages({ instruction: 'Sum up.', context: 'A tale.', response: 'So.' })).toEqual([
      { role: 'user', content: 'Sum up.\n\nA tale.' },
      assistant,
    ])
  })

  it('a prompt and a completion that are messages, of which the completion is learned', () => {
    expect(parse({ prompt: [...before, user], completion: [assistant] })).toEqual({
      kind: 'conversation',
      messages: [...before, user, assistant],
      unlearned: [1],
      metadata: {},
    })
  })

  it('under two names the same, and beside a prompt what it says already', () => {
    const said = { prompt: 'Question: Why?', question: 'Why?', completion: 'So.', response: 'So.' }
    expect(messages(said)).toEqual([{ role: 'user', content: 'Question: Why?' }, assistant])
    expect(messages({ messages: [{ ...user, from: 'human', value: 'Why?' }] })).toEqual([user])
    expect(messages({ instruction: 'Why?', input: '', context: 'A tale.' })).toEqual([
      { role: 'user', content: 'Why?\n\nA tale.' },
    ])
    expect(
      messages({ prompt: [{ role: 'user', content: 'In "x": Why?' }], question: 'In "x"', response: [assistant] }),
    ).toEqual([{ role: 'user', content: 'In "x": Why?' }, assistant])
  })

  it('which answers are learned, in the words of several libraries', () => {
    for (const [key, no, yes] of [
      ['weight', 0, 1],
      ['train', false, true],
      ['training', false, true],
      ['loss', false, true],
      ['loss_mask', 0, 1],
    ] as const) {
      const row = {
        messages: [user, { ...assistant, [key]: no }, user, { ...assistant, [key]: yes }],
        system: 'Be kind.',
      }
      expect(parse(row), key).toMatchObject({ unlearned: [2] })
    }
    expect(parse({ messages: [{ ...user, train: false }, assistant] })).not.toHaveProperty('unlearned')
  })

  it('messages whose fields are lists', () => {
    expect(messages({ conversations: { from: ['human', 'gpt'], value: ['Why?', 'So.'] } })).toEqual([user, assistant])
  })

  it('the answers of tools, where the call is in the answer before', () => {
    expect(messages({ conversations: [{ from: 'observation', value: '21 °C' }] })).toEqual([
      { role: 'tool', content: '21 °C' },
    ])
    expect(messages({ messages: [{ role: 'ipython', content: '4' }] })).toEqual([{ role: 'ipython', content: '4' }])
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
    ['a speaker of no known name', { conversations: [{ from: 'moss', value: 'Hi' }] }, /from is "moss"/],
    [
      'a part that is no text',
      { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] },
      /content\[0\] is "image_url", not text/,
    ],
    ['labels that are other tokens', { input_ids: [1, 2], labels: [-100, 3] }, /labels\[1\] is 3/],
    ['labels of another length', { input_ids: [1, 2], labels: [1, 2, -100] }, /2 elements and labels 3/],
    [
      'a message that weighs half',
      { messages: [{ role: 'assistant', content: 'So.', weight: 0.5 }] },
      /messages\[0\]: weight is 0.5/,
    ],
    [
      'a question to be learned',
      { messages: [{ role: 'user', content: 'Why?', train: true }] },
      /only answers are learned/,
    ],
    [
      'a call of a tool',
      { conversations: [{ from: 'function_call', value: '{}' }] },
      /"function_call", and calls of tools/,
    ],
    ['an answer that is no text', { prompt: 'Why?', completion: 5 }, /completion must be a string, not number/],
    ['an answer that is one of several', { messages: [user], rejected: 'No.' }, /rejected is not supported/],
    ['a row that weighs half', { text: 'Once.', weight: 0.5 }, /weight is not supported/],
    ['history that is no pair', { prompt: 'Why?', history: [['A']] }, /history\[0\] must be a question and its answer/],
    ['history that is a text', { prompt: 'Why?', history: 'A' }, /history must be a list/],
    ['history beside messages', { messages: [user, assistant], history: [['A', 'B']] }, /history beside messages/],
    ['an input of a prompt', { prompt: 'Sum up.', input: 'A tale.', completion: 'So.' }, /input beside prompt/],
    ['an input of a question', { query: 'Sum up?', input: 'A tale.', response: 'So.' }, /input beside query/],
    ['a question of an instruction', { instruction: 'Be brief.', question: 'Why?' }, /question beside instruction/],
    ['two answers', { question: 'Why?', answer: '4', response: 'So.' }, /answer and response say different things/],
    ['two completions', { prompt: 'Why?', completion: '4', response: 'So.' }, /completion and response say/],
    ['two inputs', { instruction: 'Sum up.', input: 'A tale.', context: 'Another.' }, /input and context say/],
    ['two systems', { prompt: 'Why?', system: 'Be kind.', system_prompt: 'Be brief.' }, /system and system_prompt say/],
    ['a message by two speakers', { messages: [{ ...user, from: 'gpt' }] }, /messages\[0\]: role and from say/],
    ['a message of two texts', { messages: [{ ...user, value: 'How?' }] }, /messages\[0\]: content and value say/],
    ['several instances', { instruction: 'Why?', instances: [{ output: 'A' }, { output: 'B' }] }, /instances has 2/],
    ['messages answered by a text', { prompt: [user], response: 'So.' }, /response must be a list, not a text/],
    ['messages written as text', { messages: '[{"role": "user"}]' }, /messages must be a list.*json\.loads/],
    ['a question about a context', { question: 'Why?', context: 'A tale.' }, /context beside question/],
    ['an answer beside plain text', { text: 'Why?', answer: 'So.' }, /answer beside text is not supported/],
    ['a completion beside plain text', { text: 'Why?', completion: 'So.' }, /completion beside text/],
    ['a system beside plain text', { text: 'Why?', system: 'Be kind.' }, /system beside text/],
    ['a text that a question is about', { question: 'Why?', text: 'A tale.', answer: 'So.' }, /text beside question/],
    ['a prompt of an instruction', { instruction: 'Be brief.', prompt: 'Why?' }, /prompt beside instruction/],
    ['a mask of no tokens', { prompt: 'Why?', completion: 'So.', loss_mask: [0, 1] }, /loss_mask beside prompt/],
    ['labels of no tokens', { text: 'Why?', labels: [-100, 5] }, /labels beside text/],
    ['a number a token', { input_ids: [1, 2], keep: [0, 1] }, /keep has a number for every token/],
    ['a truth a token', { input_ids: [1, 2], is_answer: [false, true] }, /is_answer has a number for every token/],
    ['padding alone', { input_ids: [1, 2], attention_mask: [0, 0] }, /leaves no token/],
    ['a mask of weights', { input_ids: [1, 2], loss_mask: [2, 1] }, /must hold 0 and 1/],
    ['a mask of another length', { input_ids: [1, 2], loss_mask: [1] }, /2 elements and loss_mask 1/],
  ] as const)
    it(what, () => {
      expect(() => parse(row)).toThrow(message)
      expect(() => parse(row)).toThrow(/rows\.jsonl, line 7/)
    })
})
