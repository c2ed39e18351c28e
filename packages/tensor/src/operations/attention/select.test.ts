import { describe, expect, it } from 'vitest'
import { flashShape, selectAttention, selectGroups, selectSpan, selectsDecoding, unlimited } from './select'

const subgroups = (size: number, largest = size) => ({
  subgroups: size > 0,
  subgroupMinSize: size,
  subgroupMaxSize: largest,
})
const [none, sse, avx, gpu, mixed] = [subgroups(0), subgroups(4), subgroups(8), subgroups(32), subgroups(4, 8)]

const head = (headDim: number) => ({ headDim, half: false })

describe('the choice of an attention kernel', () => {
  it('is subgroups on the vectors of a CPU, wide on those of eight lanes, flash on a GPU', () => {
    expect([none, sse, avx, gpu, mixed].map((device) => selectAttention(head(64), device))).toEqual([
      'flash',
      'subgroups',
      'wide',
      'flash',
      'shared',
    ])
  })

  it('is shared where the workgroup memory of a GPU does not hold a tile of keys', () => {
    const limits = [16_384, 32_768]
    const chosen = (headDim: number, half = false) =>
      limits.map((maxWorkgroupBytes) => selectAttention({ headDim, half }, { ...gpu, maxWorkgroupBytes }))
    expect(chosen(128)).toEqual(['flash', 'flash'])
    expect(chosen(256)).toEqual(['shared', 'flash'])
    expect(chosen(256, true)).toEqual(['flash', 'flash'])
    expect(chosen(512)).toEqual(['shared', 'shared'])
  })

  it('has tiles of as many keys as workgroup memory holds beside the scores, halves more than whole numbers', () => {
    const keys = (maxWorkgroupBytes: number, half: boolean) =>
      [4, 20, 32, 64, 80, 128].map((headDim) => flashShape({ headDim, half }, { maxWorkgroupBytes })?.keys)
    expect(keys(16_384, false)).toEqual([32, 32, 32, 32, 16, 16])
    expect(keys(16_384, true)).toEqual([32, 32, 32, 32, 32, 32])
    expect(keys(32_768, false)).toEqual([64, 64, 64, 64, 32, 32])
    expect(keys(32_768, true)).toEqual([64, 64, 64, 64, 64, 64])
    for (const half of [false, true])
      expect(flashShape({ headDim: 64, half }, {})).toEqual({ across: 16, keys: 32, half })
    expect(flashShape({ headDim: 32, half: false }, {})).toMatchObject({ across: 8 })
  })

  it('is shared for heads whose sums registers do not hold', () => {
    expect(selectAttention(head(256), sse)).toBe('shared')
    expect(selectAttention(head(256), avx)).toBe('shared')
    expect(selectAttention(head(128), avx)).toBe('wide')
  })

  it('makes wide blocks that are no wider than they must be to be few, and than registers hold the sums of', () => {
    const groups = (headDim: number, device: typeof avx) =>
      [1, 4, 5, 9, 16, 18, 24, 27, 32, 33, 400].map((queries) => selectGroups(queries, headDim, device))
    expect(groups(64, avx)).toEqual([1, 1, 2, 4, 4, 6, 6, 4, 4, 6, 6])
    expect(groups(128, avx)).toEqual([1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2])
    expect(groups(64, sse)).toEqual(groups(128, avx))
    expect(groups(8, sse)).toEqual(groups(64, avx))
  })

  it('is decoding for up to 16 rows on a GPU, where the head has no more vectors than a workgroup lanes', () => {
    for (const device of [none, gpu]) {
      expect([1, 16, 17].map((rows) => selectsDecoding(rows, 64, device))).toEqual([true, true, false])
      expect([512, 516].map((headDim) => selectsDecoding(1, headDim, device))).toEqual([true, false])
    }
    expect(selectsDecoding(1, 64, sse)).toBe(false)
  })

  it('cuts the keys for up to 16 rows, in one way for all of them, and where a GPU would be idle', () => {
    for (const device of [none, gpu]) {
      expect([1, 2, 8, 16].map((rows) => selectSpan(rows, device))).toEqual([256, 256, 256, 256])
      expect(selectSpan(17, device)).toBe(unlimited)
    }
    expect([sse, avx].map((device) => selectSpan(1, device))).toEqual([unlimited, unlimited])
  })
})
