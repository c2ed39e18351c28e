import { describe, expect, it } from 'vitest'
import { chatAnswer, idsIn } from './chat-answer'
import { vllmChat, vllmTokenize } from './recorded.fixture'

const choice = (more: object) => ({
  choices: [{ message: { content: 'Yes.' }, finish_reason: 'stop', ...more }],
  usage: { prompt_tokens: 5, completion_tokens: 2 },
})

describe('chatAnswer', () => {
  it('reads what vLLM answers: the text, why it ended, and the ids of prompt and answer', () => {
    const { text, finishReason, tokens, prompt, usage } = chatAnswer(vllmChat)
    expect(text).toBe(
      "Hello there, welcome to my world! I'm here to help with any kind of creative writing project. What can I",
    )
    expect(finishReason).toBe('length')
    expect(tokens).toHaveLength(24)
    expect([tokens?.slice(0, 3), prompt?.slice(0, 3)]).toEqual([
      [19556, 665, 28],
      [1, 9690, 198],
    ])
    expect(usage).toEqual({ prompt: 33, completion: 24 })
    expect(idsIn(vllmTokenize.tokens)).toHaveLength(vllmTokenize.count)
  })

  it('reads OpenAI’s, which has no ids', () => {
    const usage = { prompt: 5, completion: 2 }
    expect(chatAnswer(choice({}))).toEqual({
      ...{ text: 'Yes.', finishReason: 'stop', tokens: undefined, prompt: undefined, usage },
    })
  })

  it.each([
    [null],
    [[]],
    ['text'],
    [{}],
    [{ choices: [] }],
    [{ choices: [null] }],
    [{ error: { message: 'no' } }],
    [choice({ finish_reason: null })],
    [choice({ token_ids: [1, -1] })],
    [choice({ token_ids: '12' })],
    [choice({ token_ids: [1.5] })],
  ])('calls broken what is no answer: %j', (json) => {
    expect(() => chatAnswer(json)).toThrow(expect.objectContaining({ kind: 'broken' }))
  })

  it.each([
    [{ finish_reason: 'content_filter' }, /"content_filter"/],
    [{ message: { content: null, refusal: 'I cannot.' } }, /a refusal/],
    [{ message: { content: null, tool_calls: [{}] } }, /calls of tools/],
    [{ message: { content: null, reasoning: 'Hm' } }, /no content/],
  ])('refuses an answer that has no text to learn from: %j', (more, message) => {
    expect(() => chatAnswer(choice(more))).toThrow(
      expect.objectContaining({ kind: 'refused', message: expect.stringMatching(message) }),
    )
  })
})
