import { describe, expect, it } from 'vitest'
import { floatsToStored, storedToFloats, type WritableDtype } from './stored-floats'

/** A block of 32 with one value that matters. */
const block = (value: number) => Float32Array.from({ length: 32 }, (_, i) => (i === 5 ? value : 0.5))
const below = (value: number) => value * (1 - 2 ** -23)

describe('floatsToStored', () => {
  // The least that rounds to infinity: half a step above the largest number, of the values or of the scales of blocks.
  it.each<[WritableDtype, number]>([
    ['F16', 65_520],
    ['BF16', (2 - 2 ** -8) * 2 ** 127],
    ['Q8_0', 65_520 * 127],
    ['Q4_0', 65_520 * 8],
    ['Q5_0', 65_520 * 16],
    ['Q4_1', 65_520],
    ['Q5_1', 65_520],
  ])('refuses what %s would make infinite, by the name of the tensor, and nothing less', (dtype, least) => {
    for (const sign of [1, -1]) {
      expect(() => floatsToStored(block(sign * least), dtype, { tensor: 'Tensor "w"' })).toThrow(
        expect.objectContaining({
          code: 'UNSUPPORTED',
          message: expect.stringMatching(/^Tensor "w" has the value .* \(element 5\), more than .* can hold/),
        }),
      )
      const kept = storedToFloats(floatsToStored(block(sign * below(least)), dtype), dtype)
      expect(kept.every(Number.isFinite)).toBe(true)
      expect(Math.abs(kept[5]! / (sign * least) - 1)).toBeLessThan(0.01)
    }
  })

  it.each<WritableDtype>(['F32', 'F16', 'BF16', 'Q8_0', 'Q4_0', 'Q4_1', 'Q5_0', 'Q5_1'])(
    'refuses as %s what is no number',
    (dtype) => {
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
        expect(() => floatsToStored(block(value), dtype, { tensor: 'Tensor "w"' })).toThrow(
          `Tensor "w" has the value ${value} (element 5), which is no number`,
        )
    },
  )
})
