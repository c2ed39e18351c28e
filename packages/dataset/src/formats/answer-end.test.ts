import { describe, expect, it } from 'vitest'
import { wasCut } from './answer-end'
import { parseRow } from './parse-row'

describe('whether an answer was cut', () => {
  it('is known by the names that libraries give its end', () => {
    for (const said of [
      {},
      { finish_reason: 'stop' }, // OpenAI, vLLM, llama.cpp
      { finish_reason: 'eos_token' }, // TGI
      { finish_reason: 'STOP' }, // Gemini
      { stop_reason: 'end_turn' }, // Anthropic
      { finish_reason: 'stop', stop_reason: null }, // vLLM, an end token
      { finish_reason: 'stop', stop_reason: 128009 }, // vLLM, another end token
      { done_reason: 'stop' }, // Ollama
    ])
      expect(wasCut(said, 'x'), JSON.stringify(said)).toBe(false)
    for (const said of [
      { finish_reason: 'length' },
      { finish_reason: 'MAX_TOKENS' },
      { finish_reason: 'content_filter' },
      { finish_reason: 'stop_sequence' },
      { finish_reason: 'stop', stop_reason: '###' },
      { stop_reason: 'max_tokens' },
      { done_reason: 'length' },
    ])
      expect(wasCut(said, 'x'), JSON.stringify(said)).toBe(true)
  })

  it('is not guessed', () => {
    for (const reason of ['perhaps', 3, ['stop'], true])
      expect(() => wasCut({ finish_reason: reason }, 'a, line 2')).toThrow(
        /a, line 2: finish_reason is .* not known whether the answer was cut/,
      )
  })

  it('is said by a row of its last answer, and by a message of itself', () => {
    const user = { role: 'user', content: 'q' }
    const answer = { role: 'assistant', content: 'a' }
    const cutOf = (row: object) => parseRow(row, 'x')
    expect(cutOf({ messages: [user, answer], finish_reason: 'length' })).toMatchObject({ cut: [1] })
    expect(cutOf({ system: 's', prompt: 'q', completion: 'a', finish_reason: 'length' })).toMatchObject({ cut: [2] })
    expect(
      cutOf({ messages: [user, { ...answer, finish_reason: 'length' }, user, answer], finish_reason: 'stop' }),
    ).toMatchObject({ cut: [1] })
    expect(cutOf({ prompt: [user], completion: [{ ...answer, stop_reason: 'max_tokens' }] })).toMatchObject({
      cut: [1],
    })
    expect(cutOf({ messages: [user], finish_reason: 'length' })).not.toHaveProperty('cut')
  })
})
