import { OutriderError } from '@outrider/tensor'
import { describe, expect, it } from 'vitest'
import { AnswerTable } from './answer-table'

const vocabulary = { vocabularySize: 100, fingerprint: 'a hundred words' }

function tableOf(answers: number[][], capacity?: number): AnswerTable {
  const table = new AnswerTable(vocabulary, capacity === undefined ? {} : { capacity })
  for (const answer of answers) table.add(answer)
  return table
}

describe('a table of answers', () => {
  it('continues with what mostly followed the longest match, token by token', () => {
    const table = tableOf([
      [1, 2, 3, 4],
      [1, 2, 5, 6],
      [9, 2, 5, 7],
      [9, 2, 5, 7],
      [8, 1, 2, 3, 4],
    ])
    // After 1 2 came 3 twice and 5 once; after 2 alone 5 is the most frequent.
    expect(table.after([1, 2], 2)).toMatchObject({ ids: [3, 4] })
    expect(table.after([0, 2], 2)).toMatchObject({ ids: [5, 7] })
  })

  it('goes from no answer into the next, and ends where nothing is known', () => {
    const table = tableOf([
      [1, 2],
      [3, 4],
    ])
    expect(table.after([1], 5)).toMatchObject({ ids: [2] })
    expect(table.after([2], 5)).toBeNull()
    expect(table.after([50], 5)).toBeNull()
    expect(tableOf([]).after([1], 5)).toBeNull()
  })

  it('takes the newest of equally frequent tokens', () => {
    expect(
      tableOf([
        [1, 2],
        [1, 3],
      ]).after([1], 1),
    ).toMatchObject({ ids: [3] })
  })

  it('forgets the oldest answers where it is full, and holds no more than it may', () => {
    const table = tableOf([[1, 2, 3, 4]], 12)
    expect(table.after([1], 3)).toMatchObject({ ids: [2, 3, 4] })
    for (let i = 0; i < 100; i++) table.add([5, 6])
    expect(table.size).toBe(12)
    expect(table.after([1], 3)).toBeNull()
    expect(table.after([5], 3)).toMatchObject({ ids: [6] })
  })

  it('finds what is added while it is in use', () => {
    const table = tableOf([[1, 2]])
    expect(table.after([7], 2)).toBeNull()
    table.add([7, 8, 9])
    expect(table.after([7], 2)).toMatchObject({ ids: [8, 9] })
  })

  it('refuses tokens that are none of its vocabulary, and adds nothing of such an answer', () => {
    const table = tableOf([])
    for (const id of [100, -1, 0.5, Number.NaN])
      expect(() => table.add([1, 2, id])).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
    expect(table.size).toBe(0)
  })
})

describe('the file of a table', () => {
  const answers = Array.from({ length: 30 }, (_, i) => [i, i + 1, (i * 7) % 100, 99 - i])
  const bytes = () => tableOf(answers).toBytes()
  const refused = (changed: Uint8Array, code: string, message: RegExp, of = vocabulary) =>
    expect(() => AnswerTable.fromBytes(changed, of, { where: 'draft/answers.bin' })).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    )

  const outcome = (changed: Uint8Array): string => {
    try {
      AnswerTable.fromBytes(changed, vocabulary)
      return 'read'
    } catch (error) {
      return error instanceof OutriderError ? error.code : String(error)
    }
  }

  it('gives the same table, and the same bytes', () => {
    const read = AnswerTable.fromBytes(bytes(), vocabulary)
    expect(read.toBytes()).toEqual(bytes())
    for (const answer of answers)
      expect(read.after(answer.slice(0, 2), 9)).toEqual(tableOf(answers).after(answer.slice(0, 2), 9))
    expect(bytes()).toEqual(tableOf(answers).toBytes())
  })

  it('keeps of a larger table the newest answers', () => {
    expect(AnswerTable.fromBytes(bytes(), vocabulary, { capacity: 20 }).toBytes()).toEqual(
      tableOf(answers, 20).toBytes(),
    )
  })

  it('is refused cut anywhere, by the name of the file', () => {
    const whole = bytes()
    const codes = Array.from(whole, (_, length) => outcome(whole.subarray(0, length)))
    expect(new Set(codes)).toEqual(new Set(['FILE_FORMAT']))
    refused(whole.subarray(0, -1), 'FILE_FORMAT', /^draft\/answers\.bin has 599 bytes after its header/)
    refused(Uint8Array.from([...whole, 0, 0, 0, 0]), 'FILE_FORMAT', /bytes after its header/)
  })

  it('is refused with any bit of it changed', () => {
    const whole = bytes()
    const codes = new Set<string>()
    for (let bit = 0; bit < 8 * whole.length; bit++) {
      const changed = Uint8Array.from(whole)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      codes.add(outcome(changed))
    }
    expect([...codes].sort()).toEqual(['FILE_FORMAT', 'VOCABULARY_MISMATCH'])
  })

  it('is refused where it is of another tokenizer or a later version', () => {
    refused(bytes(), 'VOCABULARY_MISMATCH', /tokens of another tokenizer/, { ...vocabulary, fingerprint: 'others' })
    refused(bytes(), 'VOCABULARY_MISMATCH', /tokens of another tokenizer/, { ...vocabulary, vocabularySize: 101 })
    const later = new TextDecoder('latin1').decode(bytes()).replace('"version":1', '"version":2')
    refused(
      Uint8Array.from(later, (letter) => letter.charCodeAt(0)),
      'FILE_FORMAT',
      /version 2/,
    )
    refused(new TextEncoder().encode('{"format":"else"}\n'), 'FILE_FORMAT', /no table of answers/)
  })
})
