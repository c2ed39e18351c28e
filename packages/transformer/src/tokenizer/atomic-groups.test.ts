import { describe, expect, it } from 'vitest'
import { withoutAtomicGroups } from './atomic-groups'
import { CountedRegExp } from './counted-reg-exp'

/** What Oniguruma matches is compared in steps.test.ts; this is how it is written. */
describe('atomic groups and possessive repetitions', () => {
  it.each([
    ['a++b', '(?:(?=(?<_1>a+))\\k<_1>)b'],
    ['\\p{L}?+x', '(?:(?=(?<_1>\\p{L}?))\\k<_1>)x'],
    ['[^\\]x[:y:]]*+', '(?:(?=(?<_1>[^\\]x[:y:]]*))\\k<_1>)'],
    ['(a|b)++', '(?:(?=(?<_1>(a|b)+))\\k<_1>)'],
    ['(?>a(?>b))c', '(?:(?=(?<_2>a(?:(?=(?<_1>b))\\k<_1>)))\\k<_2>)c'],
    ['(?>a)+', '(?:(?=(?<_1>a))\\k<_1>)+'],
  ])('are a look ahead whose text is taken: %s', (source, written) => {
    expect(withoutAtomicGroups(source)).toBe(written)
  })

  it('are not made of what looks like them', () => {
    for (const source of ['\\++', '[*+]+', 'a{2}+', 'a+?', '\\(?>', 'a+ '])
      expect(withoutAtomicGroups(source)).toBe(source)
  })

  it('find in a counted expression what they find in the engine', () => {
    for (const source of ['a++a|.', '(?>a|ab)c|b', '\\w++1|\\s*+'].map(withoutAtomicGroups))
      for (const text of ['aaa', 'abc ac', 'ab1 1 a1'])
        expect([...text.matchAll(new CountedRegExp(source, 'gu'))].map(([match]) => match)).toEqual(
          [...text.matchAll(new RegExp(source, 'gu'))].map(([match]) => match),
        )
  })
})
