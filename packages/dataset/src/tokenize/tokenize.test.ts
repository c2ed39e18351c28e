import { ChatTemplate, memoryDirectory } from '@outrider/transformer'
import { describe, expect, it, vi } from 'vitest'
import { badRows } from '../formats/bad-rows'
import { rowFiles } from '../sources/row-files'
import { rows, texts } from '../sources/rows'
import { chatSpeaker, plainSpeaker } from '../tiny-model.fixture'
import { type Example, promptOf, type Speaker, tokenizeConversation } from './example'
import type { LeftOut } from './left-out'
import { examplesIn, tokenize } from './tokenize'

const conversation = [
  { role: 'user', content: 'Hi' },
  { role: 'assistant', content: 'Yo' },
  { role: 'user', content: 'And' },
  { role: 'assistant', content: 'So on' },
]

/** What is to be learned, as text; runs are separated by '|'. */
function learned(speaker: Speaker, { tokens, lossMask }: Example): string {
  const runs: number[][] = []
  for (const [i, id] of tokens.entries()) {
    if (!lossMask[i]) continue
    if (i === 0 || !lossMask[i - 1]) runs.push([])
    runs.at(-1)!.push(id)
  }
  return runs.map((run) => speaker.tokenizer.decode(run, { skipSpecialTokens: false })).join('|')
}

describe('tokenizeConversation', () => {
  it('masks exactly the answers and their end-of-turn, not the line break after it', () => {
    const example = tokenizeConversation(chatSpeaker, conversation)
    expect(learned(chatSpeaker, example)).toBe('Yo</s>|So on</s>')
    expect(chatSpeaker.tokenizer.decode(example.tokens, { skipSpecialTokens: false })).toBe(
      '<s><user>Hi</s>\n<assistant>Yo</s>\n<user>And</s>\n<assistant>So on</s>\n',
    )
  })

  it('begins the answer where the prompt ends', () => {
    const prompt = promptOf(chatSpeaker, conversation.slice(0, 3))
    const { tokens, lossMask } = tokenizeConversation(chatSpeaker, conversation)
    expect(tokens.slice(0, prompt.length)).toEqual(prompt)
    expect(lossMask.slice(prompt.length - 1, prompt.length + 1)).toEqual([0, 1])
  })

  it('without a template puts messages one after the other, and the end token last', () => {
    const example = tokenizeConversation(plainSpeaker, conversation.slice(0, 2))
    expect(example.tokens).toEqual([256, ...Buffer.from('HiYo'), 257])
    expect(example.lossMask).toEqual([0, 0, 0, 1, 1, 1])
    expect(promptOf(plainSpeaker, conversation.slice(0, 1))).toEqual([256, ...Buffer.from('Hi')])
  })

  it('leaves out of the mask the answers that are not to be learned', () => {
    const example = tokenizeConversation(chatSpeaker, conversation, { unlearned: [1] })
    expect(learned(chatSpeaker, example)).toBe('So on</s>')
    const none = tokenizeConversation(chatSpeaker, conversation, { unlearned: [1, 3] })
    expect(none.lossMask).not.toContain(1)
  })

  it('refuses to learn an answer that nothing asks for, and learns the others where it is not to be learned', () => {
    const begun = [{ role: 'assistant', content: 'Hello' }, ...conversation.slice(0, 2)]
    expect(() => tokenizeConversation(chatSpeaker, begun)).toThrow(/begins with an answer/)
    expect(learned(chatSpeaker, tokenizeConversation(chatSpeaker, begun, { unlearned: [0] }))).toBe('Yo</s>')
  })

  it('refuses a conversation without an answer, and a template that rewrites earlier turns', () => {
    expect(() => tokenizeConversation(chatSpeaker, conversation.slice(0, 1))).toThrow(/nothing to learn/)
    const forgetful = new ChatTemplate('<s>{% for m in messages[-2:] %}<user>{{ m.content }}</s>{% endfor %}')
    expect(() => tokenizeConversation({ ...chatSpeaker, chatTemplate: forgetful }, conversation)).toThrow(
      /cannot be told from/,
    )
  })

  it('refuses to teach less of an answer than the model gave: a template that cuts thoughts', () => {
    const template = (written: string) =>
      new ChatTemplate(
        `<s>{% for m in messages %}<{{ m.role }}>{{ ${written} }}</s>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}`,
      )
    const thoughtful = [conversation[0]!, { role: 'assistant', content: 'so </think>\n Yo' }]
    const cutting = template("m.content.split('</think>')[-1]")
    expect(() => tokenizeConversation({ ...chatSpeaker, chatTemplate: cutting }, thoughtful)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/leaves out a part of the answer "so <\/think>/) }),
    )
    const trimming = { ...chatSpeaker, chatTemplate: template("m.content.replace('\\n ', '') | trim") }
    expect(learned(trimming, tokenizeConversation(trimming, thoughtful))).toBe('so </think>Yo</s>')
  })
})

describe('of an answer that was cut', () => {
  it('teaches no end, and ends with its text', () => {
    const example = tokenizeConversation(chatSpeaker, conversation, { cut: [3] })
    expect(learned(chatSpeaker, example)).toBe('Yo</s>|So on')
    expect(example.tokens.slice(-2)).toEqual([...Buffer.from('on')])
    expect(learned(chatSpeaker, tokenizeConversation(chatSpeaker, conversation, { cut: [1] }))).toBe('Yo|So on</s>')
    const plain = tokenizeConversation(plainSpeaker, conversation.slice(0, 2), { cut: [1] })
    expect(plain.tokens).toEqual([256, ...Buffer.from('HiYo')])
  })

  it('teaches nothing that a template writes between text and end, or in place of an end', () => {
    for (const ending of ['\\n</s>', '\\n\\n']) {
      const chatTemplate = new ChatTemplate(
        `<s>{% for m in messages %}<{{ m.role }}>{{ m.content }}${ending}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}`,
      )
      const speaker = { ...chatSpeaker, chatTemplate }
      expect(learned(speaker, tokenizeConversation(speaker, conversation.slice(0, 2), { cut: [1] }))).toBe('Yo')
    }
  })

  it('teaches no letter that was cut in two, and of no text nothing', () => {
    const torn = (content: string) => [conversation[0]!, { role: 'assistant', content }]
    expect(learned(chatSpeaker, tokenizeConversation(chatSpeaker, torn('Yo\uFFFD'), { cut: [1] }))).toBe('Yo')
    expect(tokenizeConversation(chatSpeaker, torn(''), { cut: [1] }).lossMask).not.toContain(1)
  })
})

describe('of an answer whose tokens the row keeps', () => {
  const answerIds = [...Buffer.from('So'), 32, ...Buffer.from('on'), 257]

  it('learns those, whatever the template would write, and the earlier answers as it writes them', () => {
    const chatTemplate = new ChatTemplate(
      '<s>{% for m in messages %}<{{ m.role }}>{{ m.content | upper }}</s>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}',
    )
    const speaker = { ...chatSpeaker, chatTemplate }
    const example = tokenizeConversation(speaker, conversation, { answerIds, unlearned: [1] })
    expect(learned(speaker, example)).toBe('So on</s>')
    expect(example.tokens.slice(0, -6)).toEqual(promptOf(speaker, conversation.slice(0, 3)))
    expect(learned(chatSpeaker, tokenizeConversation(chatSpeaker, conversation, { answerIds }))).toBe(
      'Yo</s>|So on</s>',
    )
  })

  it('learns a part of a letter and special tokens, which the text lacks, and an end only where it was said', () => {
    const ids = [...Buffer.from('So on'), 0xf0, 0x9f]
    const example = tokenizeConversation(chatSpeaker, conversation, { answerIds: ids, cut: [3] })
    expect(example.tokens.slice(-7)).toEqual(ids)
    expect(example.lossMask.slice(-7)).toEqual(ids.map(() => 1))
    const special = tokenizeConversation(chatSpeaker, conversation, { answerIds: [258, ...answerIds] })
    expect(learned(chatSpeaker, special)).toBe('Yo</s>|<user>So on</s>')
  })

  it('refuses tokens that are not the answer: of another tokenizer, or of a text that was changed', () => {
    const other = [{ ...conversation[3]!, content: 'So off' }]
    expect(() => tokenizeConversation(chatSpeaker, [...conversation.slice(0, 3), ...other], { answerIds })).toThrow(
      /completion_ids are not the tokens of the answer "So off".*"So on"/,
    )
  })
})

describe('tokenize', () => {
  it('packs texts end to end into full windows that share one token, so that each position is learned once', async () => {
    const examples = await tokenize(texts(['abcdef', 'ghi']), chatSpeaker, 4)
    const stream = [256, ...Buffer.from('abcdef'), 257, 256, ...Buffer.from('ghi'), 257]
    expect(examples.map(({ tokens }) => tokens)).toEqual([stream.slice(0, 5), stream.slice(4, 9), stream.slice(8, 13)])
    expect(examples.every(({ tokens, lossMask }) => lossMask.length === tokens.length)).toBe(true)
  })

  it('cuts long conversations, and leaves out those whose answer is cut off', async () => {
    const answer = (prompt: string) => ({
      kind: 'conversation' as const,
      messages: [
        { role: 'user', content: prompt },
        { role: 'assistant', content: 'abc' },
      ],
      metadata: {},
    })
    const examples = await tokenize(rows([answer('x'), answer('x'.repeat(40))]), chatSpeaker, 9, () => {})
    expect(examples).toHaveLength(1)
    expect(examples[0]!.tokens).toHaveLength(10)
    await expect(tokenize(rows([answer('x'.repeat(40))]), chatSpeaker, 9)).rejects.toThrow(/nothing to learn/)
    await expect(tokenize(rows([]), chatSpeaker, 9)).rejects.toThrow(/It is empty/)
  })

  describe('tells how many rows are not learned whole, and why', () => {
    const row = (prompt: string, completion: string, more = {}) =>
      JSON.stringify({
        messages: [
          { role: 'user', content: prompt },
          { role: 'assistant', content: completion, ...more },
        ],
      })
    const told = async (lines: readonly string[], length: number) => {
      const heard: LeftOut[] = []
      const files = { directory: memoryDirectory({ 'a.jsonl': lines.join('\n') }), files: ['a.jsonl'] }
      const examples = await tokenize(rowFiles(files), chatSpeaker, length, (leftOut) => heard.push(leftOut))
      return { examples, heard }
    }

    it('cut, too long, and without anything to learn, with the first of each', async () => {
      const lines = [
        row('x', 'abc'),
        row('x', 'a'.repeat(30)),
        row('x'.repeat(40), 'abc'),
        row('x', 'a'.repeat(20)),
        row('x', 'abc', { weight: 0 }),
        JSON.stringify({ input_ids: [5, 6, 7], labels: [5, -100, -100] }),
      ]
      const { examples, heard } = await told(lines, 12)
      expect(examples).toHaveLength(3)
      expect(heard).toEqual([
        expect.objectContaining({ source: 'memory', rows: 6, cut: 2, tooLong: 1, unlearned: 2, length: 12 }),
      ])
      expect(heard[0]!.message).toMatch(
        /^memory: of 6 rows 2 are learned only as far as 12 tokens.*\(first: .*line 2\), 1 is passed over: .*begins beyond 12 tokens \(first: .*line 3\), 2 are passed over: nothing of it is to be learned \(first: .*line 5\)\.$/,
      )
    })

    it('not where all that is learned is there, though the line break after it is not', async () => {
      // <s> <user> x </s> \n <assistant> a b c </s> \n
      expect((await told([row('x', 'abc')], 9)).heard).toEqual([])
      expect((await told([row('x', 'abc')], 8)).heard).toMatchObject([{ cut: 1 }])
    })

    it('on the console where nobody listens, and in the error where nothing is left', async () => {
      const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
      await tokenize(rows([{ kind: 'tokens', tokens: [1, 2, 3], lossMask: [1, 1, 1] }], 'ids'), chatSpeaker, 1)
      expect(warn.mock.calls).toEqual([
        [expect.stringMatching(/^ids: of 1 row 1 is learned only as far as 1 token.*row 1/)],
      ])
      warn.mockRestore()
      await expect(told([row('x'.repeat(40), 'abc')], 12)).rejects.toThrow(
        /memory has nothing to learn from \(of 1 row 1 is passed over: .*beyond 12 tokens.*line 1\)/,
      )
    })
  })

  describe('of a file', () => {
    const content = [
      { messages: conversation },
      { messages: conversation.slice(0, 1) }, // asks, and nobody answers
      { input_ids: [1, 260], labels: [-100, 260] }, // a token too many
      { prompt: 'Hi', completion: 'Yo' },
    ]
      .map((row) => JSON.stringify(row))
      .join('\n')
    const source = (options = {}) =>
      rowFiles({ directory: memoryDirectory({ 'a.jsonl': content }), files: ['a.jsonl'] }, options)

    it('names the row that cannot be learned', async () => {
      await expect(tokenize(source(), chatSpeaker, 64)).rejects.toMatchObject({
        code: 'FILE_FORMAT',
        message: expect.stringMatching(/a\.jsonl, line 2: A conversation without an assistant’s message/),
      })
    })

    it('passes over such rows where they may be bad', async () => {
      const bad = badRows(2)
      expect(await tokenize(source({ badRows: bad }), chatSpeaker, 64)).toHaveLength(2)
      expect(bad.skipped.map(({ message }) => message.match(/line \d: .{7}/)![0])).toEqual([
        'line 2: A conve',
        expect.stringMatching(/^line 3/),
      ])
      await expect(tokenize(source({ badRows: badRows(1) }), chatSpeaker, 64)).rejects.toThrow(
        /line 3: .*token 260.* 1 bad row was let pass/,
      )
    })

    it('learns of a row what its labels and weights say', async () => {
      const row = { messages: [...conversation.slice(0, 3), { ...conversation[3], weight: 0 }] }
      const weighted = rowFiles({ directory: memoryDirectory({ a: JSON.stringify(row) }), files: ['a'] })
      const [example] = await tokenize(weighted, chatSpeaker, 64)
      expect(learned(chatSpeaker, example!)).toBe('Yo</s>')
    })
  })

  it('learns of a generated row what was generated', async () => {
    const row = { messages: conversation.slice(0, 2), completion_ids: [...Buffer.from('Yo')], finish_reason: 'length' }
    const read = (row: object) =>
      tokenize(rowFiles({ directory: memoryDirectory({ a: JSON.stringify(row) }), files: ['a'] }), chatSpeaker, 64)
    const { completion_ids: _, ...older } = row
    for (const generated of [row, older]) {
      const [example] = await read(generated)
      expect(learned(chatSpeaker, example!)).toBe('Yo')
    }
    await expect(read({ ...row, completion_ids: [999] })).rejects.toThrow(/token 999.*260 tokens/)
  })

  it('refuses tokens that the model does not have', async () => {
    const source = rows([{ kind: 'tokens', tokens: [1, 260], lossMask: [1, 1] }], 'ids')
    await expect(tokenize(source, chatSpeaker, 8)).rejects.toThrow(/token 260.*260 tokens/)
  })
})

describe('examplesIn', () => {
  it('gives examples as rows are read, and reads no further than it is asked', async () => {
    let read = 0
    const endless = {
      name: 'endless',
      async *[Symbol.asyncIterator]() {
        for (;;) yield { kind: 'text' as const, text: `row ${read++} of many` }
      },
    }
    const onLeftOut = () => expect.fail('nothing is left out')
    let windows = 0
    for await (const { tokens } of examplesIn(endless, plainSpeaker, { length: 1e6, windows: 8, onLeftOut })) {
      expect(tokens).toHaveLength(9)
      if (++windows === 4) break
    }
    expect(read).toBeLessThan(5)
  })
})
