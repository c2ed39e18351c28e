import { describe, expect, it } from 'vitest'
import { CountedRegExp } from './counted-reg-exp'
import { gpt2 } from './known-expressions'

const texts = [
  '',
  "Hello,  world!\n\n 12345 don't — naïve\t\tcafé 你好 👩‍👧 x",
  'aaaabbb aab  ab\r\nABBA "quoted" <tag a="1"/> ',
  '   \n  x  ',
  '\ud83d lone \ude00 halves 😀😀',
]

const patterns = [
  gpt2,
  '\\p{L}+|\\p{N}{1,3}|[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+',
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?:'[sS]|'[tT])?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  '(?<=a)b+|(?<!a)b|(?=x)',
  '(?<=(a)(b*))c|(?<=(\\w)\\s)(\\w)',
  '(a+)(b+)?|(\\s)+?x',
  '(?:(a)|b)*',
  '(?:a*)*b|(?:a|ab)(?:c|bcd)?',
  '(?:a?){3}b{2,}|(a{1,2}?){2}',
  '^\\s*|\\s+$|\\bx\\b|\\B ',
  '.+?(?=\\d|$)',
  '[^\\x00-\\x7F]|\\u{1F600}',
  '',
]

describe('a counted expression', () => {
  it.each(patterns)('finds what the engine finds: %s', (pattern) => {
    for (const text of texts) {
      const [counted, native] = [new CountedRegExp(pattern, 'gu'), new RegExp(pattern, 'gu')]
      const found = (expression: RegExp) => [...text.matchAll(expression)].map((match) => [match.index, ...match])
      expect(found(counted)).toEqual(found(native))
      expect(text.match(counted)).toEqual(text.match(native))
      expect(text.split(counted)).toEqual(text.split(native))
      expect(text.replaceAll(counted, '[$&]')).toBe(text.replaceAll(native, '[$&]'))
    }
  })

  it.each([
    ['repetitions of repetitions', '(?:a+)+b', 'aaaaaa'],
    ['repetitions beside one another', 'a*a*a*b', 'aaaaaaaaaa'],
    ['choices of the same', '(?:a|a)*b', 'aaaaaaaa'],
    ['a look ahead', '(?=(?:a+)+b)', 'aaaaaa'],
    ['a place that is tried again and again', 'a+b', 'a'.repeat(30)],
  ])('stops at its limit of steps: %s', (_, pattern, text) => {
    const counted = new CountedRegExp(pattern, 'gu', { base: 100, perCharacter: 0 })
    expect(() => text.match(counted)).toThrow(
      expect.objectContaining({ code: 'TOKENIZER_LIMIT', message: expect.stringContaining('more than 100 steps') }),
    )
  })

  it('counts from the beginning for every text, and more for a longer one', () => {
    const counted = new CountedRegExp('\\w+', 'gu', { base: 10, perCharacter: 10 })
    for (let i = 0; i < 5; i++) expect('one two three four'.match(counted)).toHaveLength(4)
    expect('word '.repeat(50).match(counted)).toHaveLength(50)
  })

  it('refuses repetitions of more than anything, and references back, when it is made', () => {
    expect(() => new CountedRegExp('(?:ab){99999999}', 'u')).toThrow(
      expect.objectContaining({ code: 'TOKENIZER_LIMIT' }),
    )
    expect(() => new CountedRegExp('(a)\\1', 'u')).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }))
  })
})
