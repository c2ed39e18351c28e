import { describe, expect, test } from 'vitest'
import { Conversation } from './conversation'

/** As many tokens as characters. */
const characters = (messages: readonly { content: string }[]) => messages.reduce((n, m) => n + m.content.length, 0)
const limits = { limit: 20, context: 30 }

function conversation(exchanges: number, system?: string): Conversation {
  const talk = new Conversation(system)
  for (let i = 0; i < exchanges; i++) {
    talk.ask(`ask ${i}`)
    talk.answer(`say ${i}`)
  }
  return talk
}

describe('a conversation that outgrows the context', () => {
  test('is sent without its oldest exchanges, and kept whole', () => {
    const talk = conversation(3, 'sys')
    talk.ask('now')
    expect(talk.fit(characters, limits)).toBe(2)
    expect(talk.sent.map(({ content }) => content)).toEqual(['sys', 'ask 2', 'say 2', 'now'])
    expect(talk.messages).toHaveLength(8)
    expect(talk.dropped).toBe(4)
    expect(talk.fit(characters, limits)).toBe(0)
  })

  test('is sent whole while it fits', () => {
    const talk = conversation(1)
    talk.ask('now')
    expect(talk.fit(characters, limits)).toBe(0)
    expect(talk.sent).toEqual(talk.messages)
  })

  test('keeps its last question although the answer gets little room', () => {
    const talk = conversation(2)
    talk.ask('x'.repeat(25))
    expect(talk.fit(characters, limits)).toBe(2)
    expect(talk.sent).toHaveLength(1)
  })

  test('refuses a question that fills the context alone, and leaves nothing out for it', () => {
    const talk = conversation(2, 'sys')
    talk.ask('x'.repeat(27))
    expect(() => talk.fit(characters, limits)).toThrow(/30 tokens with the system message; the context.* is 30/)
    talk.takeBack()
    expect(talk.sent).toHaveLength(5)
  })
})

test('a question is taken back only while it has no answer', () => {
  const talk = conversation(1)
  talk.takeBack()
  expect(talk.exchanges).toBe(1)
  talk.ask('?')
  talk.takeBack()
  expect(talk.messages).toHaveLength(2)
  talk.clear()
  expect(talk.messages).toEqual([])
})
