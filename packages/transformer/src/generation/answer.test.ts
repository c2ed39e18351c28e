import { readFileSync } from 'node:fs'
import { testData } from '@outrider/test-data'
import { describe, expect, it } from 'vitest'
import { Tokenizer } from '../tokenizer/index'
import { Answer } from './answer'

const tokenizer = Tokenizer.fromJson(readFileSync(testData('stories260K/tokenizer.json'), 'utf8'))
const ids = (text: string) => tokenizer.encode(text, { addSpecialTokens: false })

function answer(tokens: number[], options: { prompt?: number[]; stop?: string[]; maxTokens?: number } = {}) {
  const answer = new Answer(tokenizer, { prompt: [], eosTokenIds: [2], maxTokens: 100, ...options })
  const given = tokens.map((token) => answer.push(token)).join('')
  expect(given).toBe(answer.text)
  return answer
}

describe('Answer', () => {
  it('goes on until it is told to end', () => {
    const open = answer(ids('Once upon a time'))
    expect(open).toMatchObject({ text: 'Once upon a time', finishReason: undefined, room: 96 })
  })

  it('joins to its prompt as the model wrote it: the first space is kept, and a character begun there is finished', () => {
    const prompt = tokenizer.encode('Once upon a')
    expect(answer(ids('time'), { prompt }).text).toBe(' time')
    expect(answer(ids('time'), { prompt: [1] }).text).toBe('time')
    const [, ...bytes] = ids('🦙')
    const begun = [...ids('a'), ...bytes.slice(0, 2)]
    expect(answer([...bytes.slice(2), ...ids('b')], { prompt: begun }).text).toBe('🦙 b')
  })

  it('ends at an end token, which is among the tokens and not in the text; nothing after it counts', () => {
    const tokens = ids('The end')
    const ended = answer([...tokens, 2, ...tokens])
    expect(ended).toMatchObject({ text: 'The end', finishReason: 'stop', tokens: [...tokens, 2], room: 0 })
  })

  it('leaves the text of an end token out even where it has some, and keeps what was held back before it', () => {
    const [a, ll] = [ids('all')[0]!, ids('all').at(-1)!]
    const ended = new Answer(tokenizer, { prompt: [], eosTokenIds: [ll], maxTokens: 9, stop: ['all'] })
    ended.push(a)
    ended.push(ll)
    expect(ended).toMatchObject({ text: tokenizer.decode([a]), finishReason: 'stop', tokens: [a, ll] })
  })

  it('ends at a stop text, even one that begins and ends inside tokens', () => {
    const tokens = ids('She was happy. The sun was big.')
    const stopped = answer(tokens, { stop: ['ppy. T'] })
    expect(stopped).toMatchObject({ text: 'She was ha', finishReason: 'stop' })
    expect(tokenizer.decode(stopped.tokens)).toMatch(/ppy\. T/)
    expect(stopped.tokens.length).toBeLessThan(tokens.length)
  })

  it('ends when it is full, and gives what was held back', () => {
    const tokens = ids('She was happy')
    const full = answer(tokens, { maxTokens: tokens.length, stop: ['happy!'] })
    expect(full).toMatchObject({ text: 'She was happy', finishReason: 'length', room: 0 })
  })

  it('drops a character that the end cuts off', () => {
    const tokens = ids('a🦙')
    expect(answer(tokens, { maxTokens: tokens.length - 1 })).toMatchObject({ text: 'a', finishReason: 'length' })
    expect(answer([...tokens.slice(0, -2), 2])).toMatchObject({ text: 'a', finishReason: 'stop' })
  })

  it('tells which token text comes from, also what was held back as the beginning of a stop text', () => {
    const tokens = ids('She was happy. The sun was big.')
    const text = tokenizer.decode(tokens)
    const begin = text.indexOf('happy. T')
    for (const stop of [undefined, ['happy. Z'], ['happy. The sun!']]) {
      const open = new Answer(tokenizer, { prompt: [], eosTokenIds: [], maxTokens: 100, stop })
      const byToken = tokens.map(() => '')
      for (const [i, token] of tokens.entries())
        for (const { index, text } of open.pushByToken(token)) {
          expect(index).toBeLessThanOrEqual(i)
          byToken[index] += text
        }
      const stream = tokenizer.stream()
      expect(byToken).toEqual(tokens.map((token) => stream.push(token)))
    }
    const stopped = new Answer(tokenizer, { prompt: [], eosTokenIds: [], maxTokens: 100, stop: ['ppy. T'] })
    const pieces = tokens.flatMap((token) => stopped.pushByToken(token))
    expect(pieces.map(({ text }) => text).join('')).toBe(text.slice(0, begin + 2))
    expect(stopped.text).toBe(text.slice(0, begin + 2))
  })

  it('refuses a length that is none', () => {
    expect(() => answer([], { maxTokens: 0 })).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })
})
