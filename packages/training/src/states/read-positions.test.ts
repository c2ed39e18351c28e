import { composeLoss, kld, tvdPlusPlus, weightedSum } from '@outrider/losses'
import { describe, expect, it } from 'vitest'
import { readingOf, readPositions } from './read-positions'
import { targetRows } from './target-rows'

/** Rows in which 2, 0 and 3 of 4 positions count. */
const batch = {
  tokens: Uint32Array.of(1, 2, 3, 0, 4, 5, 6, 7, 8, 9, 10, 11),
  lossMask: Float32Array.of(0, 1, 0.5, 0, 0, 0, 0, 0, 1, 0, 1, 1),
  batchSize: 3,
  length: 4,
}

describe('the positions that are read', () => {
  it('are those that count, for a sum over positions, and after them others up to a multiple of eight', () => {
    const numbers = Uint32Array.of(1, 2, 8, 10, 11, 0, 3, 4)
    expect(readPositions(batch, 'learnt')).toEqual({ numbers, perSequence: undefined })
    const small = { tokens: Uint32Array.of(1, 2), lossMask: Float32Array.of(0, 1), batchSize: 1, length: 2 }
    expect([...readPositions(small, 'learnt').numbers]).toEqual([1, 0])
  })

  it('are as many of every sequence, for what pools over sequences', () => {
    expect(readPositions(batch, 'learnt by sequence')).toEqual({
      numbers: Uint32Array.of(0, 1, 2, 4, 5, 6, 8, 10, 11),
      perSequence: 3,
    })
  })

  it('are all, for a loss that nothing is known of', () => {
    expect(readPositions(batch, 'all')).toEqual({
      numbers: Uint32Array.from({ length: 12 }, (_, i) => i),
      perSequence: 4,
    })
  })

  it('are some, where none counts', () => {
    const lossMask = new Float32Array(12)
    expect([...readPositions({ ...batch, lossMask }, 'learnt').numbers]).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect([...readPositions({ ...batch, lossMask }, 'learnt by sequence').numbers]).toEqual([0, 4, 8])
  })

  it('are said by the loss', () => {
    expect(readingOf(kld)).toBe('learnt')
    expect(readingOf(tvdPlusPlus())).toBe('learnt')
    const bySequence = tvdPlusPlus({ scope: 'sequence' })
    expect(readingOf(bySequence)).toBe('learnt by sequence')
    const both = weightedSum([
      [kld, 1],
      [bySequence, 1],
    ])
    expect(readingOf(both)).toBe('learnt by sequence')
    expect(readingOf(composeLoss('own', ({ draftLogits }) => draftLogits))).toBe('all')
  })
})

describe('what the target reads', () => {
  it('is a row up to its last position that counts, and of it the states of those that do', () => {
    const { rows, numbers } = targetRows(batch, 'learnt')
    expect(rows.map(({ tokens, places }) => [[...tokens], [...places]])).toEqual([
      [
        [1, 2, 3],
        [1, 2],
      ],
      [
        [8, 9, 10, 11],
        [0, 2, 3],
      ],
    ])
    expect([...numbers]).toEqual([1, 2, 8, 10, 11])
  })

  it('has one key wherever it is, and another where other positions are learnt', () => {
    const key = (other: Partial<typeof batch>) => targetRows({ ...batch, ...other }, 'learnt').rows[0]!.key
    const own = key({})
    expect(key({ tokens: batch.tokens.map((token, i) => (i === 3 ? 99 : token)) })).toBe(own) // after all that counts
    expect(key({ tokens: batch.tokens.map((token, i) => (i === 0 ? 99 : token)) })).not.toBe(own)
    expect(key({ lossMask: Float32Array.from(batch.lossMask, (weight, i) => (i === 0 ? 1 : weight)) })).not.toBe(own)
    expect(targetRows(batch, 'all').rows[0]!.key).not.toBe(own)
  })
})
