import { describe, expect, it } from 'vitest'
import { worlds } from '../gpu/world'
import { attentionCost } from './attention'
import { compared } from './compared'
import { adamwCost, embeddingCost, embeddingGradientCost, pointwiseCost, ropeCost, squaredNormCost } from './elements'
import { flashCost } from './flash'
import { expected, gpus } from './gpu'
import { modelOfCost } from './model-of-cost'
import { dotCost, matricesCost, outerCost, skinnyCost, tileCost } from './products'
import { crossEntropyCost, distributionCost, greedyCost, lossGradientCost, lossSumsCost, normCost } from './rows'

const [apple, nvidia, arc] = gpus as [(typeof gpus)[0], (typeof gpus)[0], (typeof gpus)[0]]

describe('the model of cost', () => {
  it('counts what a tile loads and computes, edges included', () => {
    const cost = tileCost('tiled64x64', { m: 65, n: 64, k: 16, weightBytes: 4 })
    // Two tiles of 64 × 64: 2 · 128 · 64 · 16 operations; each loads 64 rows of both operands.
    expect(cost).toMatchObject({ workgroups: 2, operations: 262_144, workgroupBytes: 8192 })
    expect(cost.leastOperations).toBe(2 * 65 * 64 * 16)
    expect(cost.bytes).toBe(2 * 16 * (4 * 64 + 4 * 64) + 4 * 65 * 64)
    expect(cost.leastBytes).toBe(4 * (65 * 16 + 64 * 16 + 65 * 64))
  })

  it('counts weights once for up to 16 rows by skinny, once for each 8 by dot, and columns past the edge', () => {
    const product = { m: 16, n: 6, k: 320, weightBytes: 2 }
    // Tiles of 16 × 4: two, each loads four columns of 320 halves and 16 rows of 320 numbers.
    const skinny = skinnyCost(product, apple)
    expect(skinny).toMatchObject({ workgroups: 2, operations: 2 * 16 * 8 * 320, workgroupBytes: 0, lanes: 32 })
    expect(skinny.bytes).toBe(2 * (4 * 320 * 2 + 16 * 320 * 4) + 4 * 16 * 6)
    expect(skinny.leastBytes).toBe(16 * 320 * 4 + 6 * 320 * 2 + 4 * 16 * 6)
    // On Arc two groups of 16 lanes meet: 2 · 16 rows of four sums.
    expect(skinnyCost(product, arc).workgroupBytes).toBe(2 * 16 * 4 * 4)
    // Tiles of 8 × 4 by dot: two down, two across, the last of which has two columns for four.
    const dot = dotCost(product)
    expect(dot).toMatchObject({ workgroups: 4, operations: 2 * 16 * 8 * 320 })
    expect(dot.bytes).toBe(4 * (4 * 320 * 2 + 8 * 320 * 4) + 4 * 16 * 6)
    // Tiles of 4 × 128 by outer.
    expect(outerCost({ m: 8, n: 200, k: 16, weightBytes: 4 })).toMatchObject({
      workgroups: 4,
      operations: 2 * 8 * 256 * 16,
      bytes: 4 * 16 * (4 * 4 + 4 * 128) + 4 * 8 * 200,
    })
  })

  it('counts what matrix units take once, twice or three times, and says where they are not to be had', () => {
    const product = { m: 65, n: 64, k: 16, weightBytes: 18 / 32 }
    const times = (of: typeof product, gpu: typeof apple) => matricesCost(of, gpu)!.operations / (2 * 128 * 64 * 16)
    expect([times(product, apple), times({ ...product, weightBytes: 2 }, nvidia), times(product, nvidia)]).toEqual([
      1, 2, 3,
    ])
    // 64 rows of 16 halves and 8 between them, in two parts of either operand, and four sums of 16 × 16.
    expect(matricesCost(product, nvidia)).toMatchObject({
      workgroups: 2,
      workgroupBytes: 4 * 64 * 24 * 2 + 4 * 16 * 16 * 4,
    })
    expect(matricesCost(product, arc)).toBeUndefined() // subgroups of more than one size
    // The roof is that of the units: three products for one are a third of it at the most.
    const large = { m: 2048, n: 4096, k: 2048, weightBytes: 18 / 32 }
    expect(expected(nvidia, matricesCost(large, nvidia)!).ofRoof).toBeCloseTo(1 / 3, 1)
  })

  it('counts the keys that the rows of a block see, and the sums of spans', () => {
    const form = { heads: 4, kvHeads: 2, headDim: 8, cacheBytes: 2 }
    // Three rows behind 5 keys, two queries of each a key head: blocks of rows 0–1 and of row 2, which see 7 and 8 keys.
    const few = attentionCost({ rows: 3, start: 5, ...form }, apple)
    expect(few).toMatchObject({ kernel: 'decoding', workgroups: 4, lanes: 128, operations: 4 * 4 * 8 * 2 * (7 + 8) })
    expect(few.leastOperations).toBe(4 * 8 * 4 * (6 + 7 + 8))
    expect(few.bytes).toBe(2 * 15 * 2 * 8 * 2 + 8 * 3 * 4 * 8)
    expect(few.leastBytes).toBe(2 * 8 * 2 * 8 * 2 + 8 * 3 * 4 * 8)
    // 1,000 keys are four spans of 256, of whose sums (a head's and one more) all are written and read.
    const long = attentionCost({ rows: 1, start: 999, ...form }, apple)
    expect(long.workgroups).toBe(2 * 4)
    expect(long.bytes - long.leastBytes).toBe(8 * 4 * 4 * 9)
    expect(attentionCost({ rows: 1, start: 999, ...form, parts: 'parts64' }, apple)).toMatchObject({
      kernel: 'decoding, parts64',
      workgroups: 2 * 16,
    })
    // A prompt of 17 is read by blocks of two rows, which see 2, 4, … 16 and, the last, 17 keys.
    const prompt = attentionCost({ rows: 17, start: 0, ...form }, apple)
    expect(prompt).toMatchObject({ kernel: 'shared', workgroups: 18, operations: 4 * 4 * 8 * 2 * (72 + 17) })
  })

  it('counts the tiles of flash, of values and of gradients', () => {
    const form = { rows: 100, start: 0, heads: 2, kvHeads: 1, headDim: 64, cacheBytes: 4 }
    // 200 queries are four workgroups, the last of eight, which see 32, 64, 96 and 100 keys; tiles are of 64.
    const forward = flashCost(form)
    expect(forward).toMatchObject({ kernel: 'flash', workgroups: 4, lanes: 256, workgroupBytes: 32_768 })
    expect(forward.operations).toBe(4 * 64 * 64 * 64 * (1 + 1 + 2 + 2))
    expect(forward.leastOperations).toBe(4 * 64 * 2 * 5050)
    expect(forward.bytes).toBe(6 * (2 * 64 * 64 * 4 + 64 * 64 * 4) + 8 * 100 * 2 * 64)
    expect(flashCost(form, 'queryGradient').operations).toBe(1.5 * forward.operations)
    // 100 keys are two workgroups: four tiles of queries see any of the first, from query 128 on two any of the second.
    const ofKeys = flashCost(form, 'keyGradient')
    expect(ofKeys).toMatchObject({ workgroups: 2, operations: 8 * 64 * 64 * 64 * (4 + 2) })
  })

  it('counts the passes of kernels that take a workgroup a row', () => {
    const rows = { rows: 3, columns: 64 }
    expect(normCost(rows, apple)).toMatchObject({
      ...{ workgroups: 3, lanes: 32, operations: 4 * 192 },
      ...{ bytes: 192 * (2 * 4 + 4 + 4), leastBytes: 192 * 8 + 64 * 4 },
    })
    expect(greedyCost(rows, apple)).toMatchObject({ bytes: 768, leastBytes: 768, operations: 192 })
    expect(distributionCost({ ...rows, topP: false }, apple).bytes).toBe(192 * (3 * 4 + 4))
    expect(distributionCost({ ...rows, topP: true, cuts: 5 }, apple).bytes).toBe(192 * (9 * 4 + 4))
    expect(crossEntropyCost(rows, apple)).toMatchObject({ bytes: 192 * 8, leastBytes: 192 * 4 })
    expect(lossSumsCost(rows, apple)).toMatchObject({ bytes: 192 * 24, leastBytes: 192 * 8, operations: 16 * 192 })
    expect(lossGradientCost(rows, apple)).toMatchObject({ bytes: 192 * 20, leastBytes: 192 * 12 })
    // As the row reduction chooses: one subgroup where they are of one size, else workgroup memory.
    expect(normCost({ rows: 1, columns: 2 ** 15 }, apple)).toMatchObject({ lanes: 256, workgroupBytes: 4096 })
    expect(normCost(rows, arc)).toMatchObject({ lanes: 64, workgroupBytes: 1024 })
  })

  it('counts what goes through kernels of elements', () => {
    expect(pointwiseCost('add', { size: 256, inputs: 2, operations: 1 })).toMatchObject({
      ...{ workgroups: 1, operations: 256, bytes: 3 * 1024 },
    })
    // Two rows: 4 heads of 8 turned, 2 turned and written as halves, 2 of values.
    const rope = ropeCost({ rows: 2, heads: 4, kvHeads: 2, headDim: 8, cacheBytes: 2 })
    expect(rope).toMatchObject({ operations: 14 * 48, bytes: 4 * (64 + 32 + 32) + 4 * 64 + 2 * (32 + 32) })
    expect(embeddingCost({ rows: 2, columns: 64, weightBytes: 34 / 32 }).bytes).toBe(2 * (68 + 256 + 4))
    expect(embeddingGradientCost({ rows: 2, columns: 64, vocabulary: 10 }).bytes).toBe(4 * 64 * 12)
    expect(adamwCost({ parameters: 100 }).bytes).toBe(7 * 400)
    expect(squaredNormCost({ parameters: 100 })).toMatchObject({ bytes: 400, operations: 200 })
  })

  it('expects no more than the roof, less of cores that are idle, and all of memory where there is enough on its way', () => {
    for (const gpu of gpus) {
      const of = (product: Parameters<typeof tileCost>[1]) => expected(gpu, tileCost('tiled64x64', product))
      const many = of({ m: 4096, n: 8192, k: 2048, weightBytes: 2 })
      expect(many.ofRoof).toBeGreaterThan(0.5)
      expect(many.ofRoof).toBeLessThanOrEqual(1)
      expect(of({ m: 64, n: 64, k: 2048, weightBytes: 2 }).ofRoof).toBeLessThan(0.3)
      expect(many.perCore).toBeGreaterThanOrEqual(1)
      const layer = (n: number) => expected(gpu, skinnyCost({ m: 1, n, k: 2048, weightBytes: 2 }, gpu)).ofRoof
      expect(layer(32_000)).toBeCloseTo(1)
      expect(layer(8)).toBeLessThan(0.3)
      // One workgroup for a row of logits waits for memory.
      expect(expected(gpu, greedyCost({ rows: 1, columns: 151_936 }, gpu)).ofRoof).toBeLessThan(0.3)
      expect(expected(gpu, adamwCost({ parameters: 1e8 })).ofRoof).toBeCloseTo(1)
      // Passes over what was read before wait for caches.
      const drawing = (topP: boolean) => {
        const of = { rows: 1, columns: 151_936 }
        return expected(gpu, distributionCost({ ...of, topP }, gpu)).milliseconds
      }
      expect(drawing(true) / drawing(false)).toBeGreaterThan(2)
    }
  })

  it('has every kind of work in its table, and a number in every place', () => {
    const rows = modelOfCost()
    expect([...new Set(rows.map(({ work }) => work))]).toHaveLength(8)
    for (const row of rows) {
      expect(Object.values(row)).not.toContain(Number.NaN)
      for (const { name } of gpus) {
        if (row.kernel === 'matrices' && name === arc.name) {
          expect(row[name]).toBe('not there') // its subgroups have more than one size
          continue
        }
        const [, share] = /, (\d+) %, [1-9]\d* a core$/.exec(String(row[name])) ?? []
        expect(Number(share), `${row.kernel} ${row.shape} ${row[name]}`).toBeLessThanOrEqual(100)
      }
    }
  })

  it('is held against what was measured, by the roof of that run', () => {
    const measured = [
      { step: 'copy', case: '1 GiB', 'GB/s': 2000, ms: 1 },
      { step: 'matmul', case: '4096³ f32 nn', kernel: 'chosen', ms: 6.8719476736, 'TFLOP/s': 20 },
      { step: 'matmul', case: '4096³ f16 nn', kernel: 'chosen', ms: 1, 'TFLOP/s': 137 },
      { step: 'linear', case: '2048 → 5632', format: 'f16', rows: 1, ms: 0.0231 },
      { step: 'attention', case: '8 rows over 2048', ms: 0.05 },
      { step: 'training', case: 'a step', ms: 100 },
      { step: 'linear', case: 'left out: no time' },
    ]
    const rows = compared(measured, worlds['1.1B'])
    expect(rows.map(({ step, 'of roof': share }) => [step, share])).toEqual([
      ['matmul', '100 %'],
      ['linear', '50 %'], // 23.1 MB of 2 TB/s
      ['attention', '13 %'], // 134 MFLOP of 20 TFLOP/s
    ])
    expect(rows[1]).toMatchObject({ case: '2048 → 5632, 1 rows f16', kernel: 'skinny' })
    expect(() => compared(measured.slice(3), worlds['1.1B'])).toThrow(/where the roof is/)
  })
})
