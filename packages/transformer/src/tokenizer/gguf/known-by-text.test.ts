import { describe, expect, it } from 'vitest'
import { endsByTextOf } from './known-by-text'

describe('texts that end an answer', () => {
  it.each([
    ['<|call|>', '<|return|>'],
    ['<|calls|>', '<|return|>'],
    ['<|call|>', '<|flush|>'],
    ['<|calls|>', '<|flush|>'],
  ])('are without <|end|> beside %s and %s, whoever asks', (call, other) => {
    expect([...endsByTextOf(new Set(['a', '<|end|>', call, other]))].sort()).toEqual([call, other].sort())
  })

  it('are with it beside one of them alone', () => {
    expect([...endsByTextOf(new Set(['<|end|>', '<|call|>']))].sort()).toEqual(['<|call|>', '<|end|>'])
  })
})
