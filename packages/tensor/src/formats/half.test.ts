import { describe, expect, it } from 'vitest'
import { floatToHalf, halfToFloat } from './half'

describe('half precision', () => {
  it('round-trips every finite half', () => {
    for (let half = 0; half < 0x10000; half++) {
      if ((half & 0x7c00) === 0x7c00) continue
      expect(floatToHalf(halfToFloat(half))).toBe(half)
    }
  })
  it('rounds to nearest, ties to even, and overflows to infinity', () => {
    expect(halfToFloat(floatToHalf(1 + 2 ** -11))).toBe(1)
    expect(halfToFloat(floatToHalf(1 + 3 * 2 ** -11))).toBe(1 + 2 ** -9)
    expect(halfToFloat(floatToHalf(65519))).toBe(65504)
    expect(halfToFloat(floatToHalf(65520))).toBe(Number.POSITIVE_INFINITY)
    expect(halfToFloat(floatToHalf(2 ** -25))).toBe(0)
    expect(halfToFloat(floatToHalf(1.5 * 2 ** -24))).toBe(2 ** -23)
    expect(halfToFloat(floatToHalf(Number.NaN))).toBeNaN()
  })
})
