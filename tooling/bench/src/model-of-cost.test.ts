import { describe, expect, it } from 'vitest'
import { expected, gpus, modelOfCost, tileCost } from './model-of-cost'

describe('the model of cost', () => {
  it('counts what a tile loads and computes, edges included', () => {
    const cost = tileCost('tiled64x64', { m: 65, n: 64, k: 16, weightBytes: 4 })
    // Two tiles of 64 × 64: 2 · 128 · 64 · 16 operations; each loads 64 rows of both operands.
    expect(cost).toMatchObject({ workgroups: 2, operations: 262_144, workgroupBytes: 8192 })
    expect(cost.bytes).toBe(2 * 16 * (4 * 64 + 4 * 64) + 4 * 65 * 64)
    expect(cost.leastBytes).toBe(4 * (65 * 16 + 64 * 16 + 65 * 64))
  })

  it('expects no more than the roof, less of cores that are idle, and all of memory where rows are few', () => {
    for (const gpu of gpus) {
      const many = expected(gpu, 'tiled64x64', { m: 4096, n: 8192, k: 2048, weightBytes: 2 })
      const narrow = expected(gpu, 'tiled64x64', { m: 64, n: 64, k: 2048, weightBytes: 2 })
      expect(many.ofRoof).toBeGreaterThan(0.5)
      expect(many.ofRoof).toBeLessThanOrEqual(1)
      expect(narrow.ofRoof).toBeLessThan(0.3)
      expect(many.perCore).toBeGreaterThanOrEqual(1)
    }
    for (const row of modelOfCost()) expect(Object.values(row)).not.toContain(Number.NaN)
  })
})
