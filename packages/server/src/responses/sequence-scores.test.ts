import type { ScoredToken } from '@outrider/transformer'
import { describe, expect, it } from 'vitest'
import { stories } from '../server.fixture'
import { chatLogprobs, completionLogprobs } from './logprobs'
import { SequenceScores } from './sequence-scores'

const scored = (token: number): ScoredToken => ({ token, logProbability: -1, likeliest: [] })

it('a token of U+FEFF is that character in log-probabilities, not nothing', () => {
  const tokenizer = { tokenBytes: () => new TextEncoder().encode('\ufeffa') }
  const placed = [{ ...scored(5), offset: 0 }]
  expect(completionLogprobs(tokenizer as never, placed).tokens).toEqual(['\ufeffa'])
  expect(chatLogprobs(tokenizer as never, placed).content[0]!.token).toBe('\ufeffa')
})

describe('SequenceScores', () => {
  it('gives scores with the text that they belong to, and holds back those of text that is held back', async () => {
    const { tokenizer } = await stories()
    const [the, end] = [tokenizer.encode('The', { addSpecialTokens: false }), 2]
    const width = tokenizer.decode(the).length
    const scores = new SequenceScores(tokenizer, [])
    expect(scores.push(the.map(scored), 0)).toEqual([]) // all of it may begin a stop text
    const given = scores.push(the.map(scored), width)
    expect(given.map(({ token }) => token)).toEqual(the)
    expect(given[0]!.offset).toBe(0)
    expect(scores.push([scored(end)], 2 * width).map(({ token }) => token)).toEqual(the)
    expect(scores.push([], 2 * width)).toEqual([]) // an end token has no text, and so no score
  })

  it('gives the parts of a character with the character', async () => {
    const { tokenizer } = await stories()
    const ids = tokenizer.encode('🦙', { addSpecialTokens: false })
    const scores = new SequenceScores(tokenizer, [])
    const placed = ids.flatMap((id, i) => scores.push([scored(id)], i === ids.length - 1 ? 2 : 0))
    expect(placed.map(({ token }) => token)).toEqual(ids)
    const { tokens } = completionLogprobs(tokenizer, placed)
    expect(tokens.slice(-4)).toEqual(['bytes:\\xf0', 'bytes:\\x9f', 'bytes:\\xa6', 'bytes:\\x99'])
  })
})
