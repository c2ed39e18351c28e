import { describe, expect, it } from 'vitest'
import { NearDuplicates } from './near-duplicates'
import { shinglesOf, wordsOf } from './words'

describe('words', () => {
  it('are told without case and signs, and letter by letter where a script sets none apart', () => {
    expect(wordsOf('Don’t—“stop”, ÉTÉ 42!')).toEqual(['don', 't', 'stop', 'été', '42'])
    expect(wordsOf('我是SmolLM。')).toEqual(['我', '是', 'smollm'])
    expect(shinglesOf('a b c d', 3)).toEqual(['a b c', 'b c d'])
    expect(shinglesOf('a b', 3)).toEqual(['a b'])
  })
})

describe('near-duplicates', () => {
  const question = 'Write a short story about a fox that lives in a garden behind the old mill.'

  it('are texts that say, word by word, mostly what was kept', () => {
    const kept = new NearDuplicates()
    expect(kept.has(question)).toBe(false)
    kept.add(question)
    expect(kept.has(question.toUpperCase())).toBe(true)
    expect(kept.has(question.replace('old mill', 'white church'))).toBe(true)
    expect(kept.has('Write a short story about two sisters who open a bakery by the sea.')).toBe(false)
    expect(kept.has('Why is the sky blue?')).toBe(false)
  })

  it('are found where a text is stitched from several', () => {
    const kept = new NearDuplicates()
    kept.add('one two three four five six')
    kept.add('seven eight nine ten eleven twelve')
    expect(kept.has('one two three four five six seven eight nine ten eleven twelve')).toBe(true)
  })
})
