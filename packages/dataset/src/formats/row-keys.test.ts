import { describe, expect, it } from 'vitest'
import { datasetSchemas } from './dataset-schemas.fixture'
import { parseRow, unknownKeysOf } from './parse-row'
import { messageKeys, rowKeys } from './row-keys'

describe('rows of well-known schemas', () => {
  for (const [schema, row, becomes] of datasetSchemas) {
    const isRead = ['conversation', 'text', 'tokens'].includes(becomes)
    it(`${schema}: ${isRead ? `read as ${becomes}` : `refused by ${becomes}`}`, () => {
      if (isRead) expect(parseRow(row, 'rows.jsonl, line 7').kind).toBe(becomes)
      else expect(() => parseRow(row, 'rows.jsonl, line 7')).toThrow(RegExp(`rows\\.jsonl, line 7.*\\b${becomes}\\b`))
    })
  }

  it('have every key in one of the lists', () => {
    for (const [schema, row] of datasetSchemas) expect(unknownKeysOf(row), schema).toEqual([])
  })
})

describe('the lists', () => {
  it('have no key twice', () => {
    for (const { used, harmless, refused } of [rowKeys, messageKeys]) {
      const all = [...used, ...harmless, ...refused.flatMap(({ keys }) => keys)]
      expect(all.filter((key, i) => all.indexOf(key) !== i)).toEqual([])
    }
  })

  it('let pass what is refused where it says nothing', () => {
    const messages = [{ role: 'user', content: 'q', tool_calls: [], reasoning_content: '', images: null }]
    for (const nothing of [null, '', [], {}, '[]', Number.NaN, [null]])
      expect(parseRow({ messages, chosen: nothing, tools: nothing, images: nothing }, 'x').kind).toBe('conversation')
    expect(() => parseRow({ messages, kto_tag: false }, 'x')).toThrow(/kto_tag is not supported/)
    expect(() => parseRow({ messages: [{ ...messages[0], reasoning_content: 'hm' }] }, 'x')).toThrow(
      /x, messages\[0\]: reasoning_content is not supported/,
    )
  })

  it('name a key that nobody knows, of a row and of its messages, once', () => {
    const message = { role: 'user', content: 'q', hue: 1 }
    expect(unknownKeysOf({ messages: [message, message], mood: 'x', gone: null })).toEqual(['mood', 'hue'])
  })
})
