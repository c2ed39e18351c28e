import { describe, expect, test } from 'vitest'
import { bytes, count, duration, fixed, rate } from './numbers'

describe('numbers', () => {
  test('durations', () => {
    expect([0.42, 9.96, 61, 3725].map(duration)).toEqual(['0.4 s', '10 s', '1m 01s', '1h 02m'])
  })
  test('counts and bytes', () => {
    expect([12, 1234, 115_000_000].map(count)).toEqual(['12', '1.2K', '115M'])
    expect([512, 2048, 3 << 20].map(bytes)).toEqual(['512 B', '2.0 KiB', '3.0 MiB'])
  })
  test('a rate below one a second is told as seconds for one', () => {
    expect(rate(3.21, 'steps')).toBe('3.2 steps/s')
    expect(rate(0.25, 'steps')).toBe('4.0 s/step')
    expect(rate(0, 'steps')).toBe('')
  })
  test('what was not measured is a dash', () => {
    expect([1.005, null, undefined, Number.NaN].map((x) => fixed(x, 1))).toEqual(['1.0', '–', '–', '–'])
  })
})
