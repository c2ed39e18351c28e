import { describe, expect, it } from 'vitest'
import { parseJson } from './json'

describe('parseJson', () => {
  it("reads NaN and infinities as Python's json writes them", () => {
    const text = '{"a": NaN, "b": [Infinity, -Infinity, 1], "c": {"NaN": "NaN, Infinity"}, "d": "\\"NaN\\\\"}'
    expect(parseJson(text, 'x.json')).toEqual({
      a: Number.NaN,
      b: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1],
      c: { NaN: 'NaN, Infinity' },
      d: '"NaN\\',
    })
    expect(parseJson('NaN', 'x.json')).toBeNaN()
  })

  it('takes no string for NaN, whatever is in it', () => {
    expect(parseJson('[NaN, "\ue000", "\ue001"]', 'x.json')).toEqual([Number.NaN, '\ue000', '\ue001'])
  })

  it.each([
    '[NaN',
    '[nan]',
    '[NaNs]',
    '[+Infinity]',
    '[-NaN]',
    '[Infinity2]',
    '[1eInfinity]',
    '{NaN: 1}',
    '["NaN]',
    "[NaN, 'a']",
  ])('takes nothing else that is no JSON: %s', (text) => {
    expect(() => parseJson(text, 'dir/x.json')).toThrow(/^dir\/x.json is not valid JSON: /)
    expect(() => parseJson(text, 'dir/x.json')).toThrow(expect.objectContaining({ code: 'FILE_FORMAT' }))
  })

  it('quotes the file as it is where it is broken further on', () => {
    expect(() => parseJson('[NaN, Infinity, x]', 'x.json')).toThrow(/"\[NaN, Infinity, x\]" is not valid JSON/)
  })
})
