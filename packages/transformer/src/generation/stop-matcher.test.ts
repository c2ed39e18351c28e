import { describe, expect, it } from 'vitest'
import { StopMatcher } from './stop-matcher'

/** What is let through of a text cut into pieces, piece by piece. */
function through(stops: string[], pieces: string[]): { given: string[]; stopped: boolean } {
  const matcher = new StopMatcher(stops)
  const given = pieces.map((piece) => matcher.push(piece))
  return { given: [...given, matcher.end()], stopped: matcher.stopped }
}

describe('StopMatcher', () => {
  it('lets everything through at once where there is nothing to stop at', () => {
    expect(through([], ['a', 'b'])).toEqual({ given: ['a', 'b', ''], stopped: false })
  })

  it('cuts at the stop text, wherever the pieces end', () => {
    expect(through(['STOP'], ['before STOP after'])).toEqual({ given: ['before ', ''], stopped: true })
    expect(through(['STOP'], ['before S', 'TO', 'P after', 'more'])).toEqual({
      given: ['before ', '', '', '', ''],
      stopped: true,
    })
  })

  it('holds back what may be a beginning, and gives it when it is none', () => {
    expect(through(['abcd'], ['xab', 'c', 'e'])).toEqual({ given: ['x', '', 'abce', ''], stopped: false })
    expect(through(['abcd'], ['xab'])).toEqual({ given: ['x', 'ab'], stopped: false })
  })

  it('finds a stop text that begins inside a false start', () => {
    expect(through(['aab'], ['a', 'a', 'a', 'b'])).toEqual({ given: ['', '', 'a', '', ''], stopped: true })
  })

  it('takes the one complete first, and of several complete at once the longest', () => {
    expect(through(['abc', 'b'], ['abc']).given.join('')).toBe('a')
    expect(through(['b', 'ab'], ['xab']).given.join('')).toBe('x')
  })

  it('gives the same however the text is cut', () => {
    let seed = 1
    const next = (size: number) => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
      return Math.floor((seed / 2 ** 32) * size)
    }
    const word = (length: number) => Array.from({ length }, () => 'ab'[next(2)]).join('')
    for (let round = 0; round < 500; round++) {
      const stops = Array.from({ length: 1 + next(3) }, () => word(1 + next(4)))
      const text = word(next(16))
      const whole = through(stops, [text])
      const single = through(stops, [...text])
      expect(single.given.join('')).toBe(whole.given.join(''))
      expect(single.stopped).toBe(whole.stopped)
      // Independent of the matcher: the shortest beginning of the text that ends in a stop text.
      const ends = Array.from({ length: text.length }, (_, i) => text.slice(0, i + 1))
      const first = ends.find((beginning) => stops.some((stop) => beginning.endsWith(stop)))
      const longest = Math.max(0, ...stops.filter((stop) => first?.endsWith(stop)).map((stop) => stop.length))
      expect(whole.given.join('')).toBe(first === undefined ? text : first.slice(0, first.length - longest))
    }
  })

  it('refuses an empty stop text', () => {
    expect(() => new StopMatcher([''])).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
  })
})
