import { describe, expect, it } from 'vitest'
import { uniform01 } from '../random/philox'
import { halfToFloat } from './half'
import { q8_0 } from './q8-0'

describe('Q8_0', () => {
  it('rounds every element to the nearest multiple of its block’s scale', () => {
    const values = Float32Array.from({ length: 96 }, (_, i) => (uniform01(1, i) - 0.5) * (i < 32 ? 1 : 100))
    const bytes = q8_0.encode!(values)
    expect(bytes.length).toBe(3 * 34)
    const view = new DataView(bytes.buffer)
    for (const [i, value] of values.entries()) {
      const block = Math.floor(i / 32) * 34
      const scale = halfToFloat(view.getUint16(block, true))
      const stored = scale * view.getInt8(block + 2 + (i % 32))
      // Half a step, and what rounding the scale itself to f16 moves at most 127 steps.
      expect(Math.abs(stored - value)).toBeLessThanOrEqual(scale * (0.5 + 127 / 2048))
    }
  })

  it('keeps a block of zeros', () => {
    expect(new Set(q8_0.encode!(new Float32Array(32)))).toEqual(new Set([0]))
  })
})
