import { readFileSync } from 'node:fs'
import { testData } from '@outrider/test-data'
import { memoryDirectory } from '@outrider/transformer'
import { describe, expect, it } from 'vitest'
import { badRows } from '../formats/bad-rows'
import { openFile } from '../sources/open-file'
import { rowFiles } from '../sources/row-files'
import type { RowOptions } from '../sources/rows-in'
import { parquetRows } from './parquet-rows'

const bytesOf = (name: string): Uint8Array => readFileSync(testData(`parquet/${name}.parquet`))
const place = (bytes: Uint8Array) => ({
  directory: memoryDirectory({ 'a.parquet': bytes }, 'data'),
  files: ['a.parquet'],
})

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}
const rowsIn = (name: string, options?: RowOptions) => all(rowFiles(place(bytesOf(name)), options))

/** What make.py writes into most of the files. */
const six = Array.from({ length: 6 }, (_, i) => ({
  kind: 'conversation',
  messages: [
    { role: 'user', content: `Why ${i}?` },
    { role: 'assistant', content: `So ${i} ü🐢.` },
  ],
  metadata: { id: i, category: i % 2 === 0 ? 'even' : 'odd' },
  where: `data/a.parquet, row ${i + 1}`,
}))

describe('Parquet files give the rows that were written', () => {
  for (const name of [
    'pyarrow-none',
    'pyarrow-snappy',
    'pyarrow-gzip',
    'pyarrow-brotli',
    'pyarrow-zstd',
    'pyarrow-lz4',
    'pyarrow-v2',
    'pyarrow-no-dictionary',
    'polars-zstd',
    'polars-snappy',
    'polars-lz4',
    'polars-uncompressed',
    'datasets',
  ])
    it(name, async () => {
      expect(await rowsIn(name)).toEqual(six)
    })

  it('with the columns of other rows, which are null', async () => {
    for (const name of ['null-columns', 'null-columns-lz4', 'null-columns-polars'])
      expect((await rowsIn(name)).map(({ kind }) => kind)).toEqual(['conversation', 'text', 'conversation'])
    expect((await rowsIn('pandas')).map(({ kind }) => kind)).toEqual(['conversation', 'text'])
  })

  it('of tokens, of content in parts, and of the struct of lists that datasets made of messages', async () => {
    for (const name of ['tokens', 'tokens-polars'])
      expect(await rowsIn(name)).toMatchObject([{ kind: 'tokens', tokens: [2, 50, 70, 1], lossMask: [0, 0, 1, 1] }])
    for (const name of ['parts', 'struct-of-lists'])
      expect(await rowsIn(name)).toMatchObject([{ messages: [{ content: 'Why?' }, { content: 'So.' }] }])
    expect(await rowsIn('empty')).toEqual([])
  })

  it('of booleans in runs', async () => {
    const found = (await rowsIn('booleans-v2')) as { metadata: Record<string, unknown> }[]
    expect(found).toHaveLength(2000)
    for (const [i, { metadata }] of found.entries())
      expect(metadata).toEqual({ toxic: i % 3 === 0, ...(i % 5 === 0 && { redacted: true }) })
  })

  it('beside columns that nothing is understood by: numbers and times are kept, the rest is named', async () => {
    const unknown: string[] = []
    const [first, second] = await rowsIn('other-types', { onUnknownKeys: (file, keys) => unknown.push(file, ...keys) })
    expect(first).toMatchObject({
      messages: [{ role: 'user', content: 'a' }],
      metadata: {
        n: '1152921504606846976',
        score: 1.5,
        when: '2026-01-02T03:04:05.000Z',
        day: '2026-01-02T00:00:00.000Z',
      },
    })
    expect(second).toMatchObject({ messages: [{ content: 'b' }], metadata: { n: 7 } })
    expect(unknown).toEqual(['data/a.parquet', 'blob', 'nested', 'price', 'when', 'n', 'day'])
  })
})

describe('Parquet files are read', () => {
  it('in pieces of a row group, where its pages have an index', async () => {
    const reads: number[] = []
    const file = openFile({ directory: memoryDirectory({ 'a.parquet': bytesOf('pyarrow-v2') }), file: 'a.parquet' })
    const counted = {
      ...file,
      read: (start: number, end: number) => {
        reads.push(end - start)
        return file.read(start, end)
      },
    }
    const whole = await all(parquetRows(file, new Set()))
    const pieces = await all(parquetRows(counted, new Set(), { bytes: 64, values: 2 ** 20 }))
    expect(pieces.map(({ value }) => value())).toEqual(whole.map(({ value }) => value()))
    expect(pieces).toHaveLength(6)
    expect(reads.length).toBeGreaterThan(20)
  })

  it('or refused with what would help, where a row group is too large and has none', async () => {
    const file = openFile({ directory: memoryDirectory({ 'a.parquet': bytesOf('pyarrow-zstd') }), file: 'a.parquet' })
    for (const limits of [
      { bytes: 64, values: 2 ** 20 },
      { bytes: 2 ** 20, values: 3 },
    ])
      await expect(all(parquetRows(file, new Set(), limits))).rejects.toMatchObject({
        code: 'UNSUPPORTED',
        message: expect.stringMatching(/a\.parquet: row group 1, of 4 rows.*row_group_size/),
      })
  })

  it('again and again', async () => {
    const source = rowFiles(place(bytesOf('polars-zstd')))
    expect(await all(source)).toEqual(six)
    expect(await all(source)).toEqual(six)
  })
})

describe('Parquet files name', () => {
  it('the row that is bad, which may be passed over', async () => {
    await expect(rowsIn('bad-row')).rejects.toThrow(/a\.parquet, row 2, conversations\[1\]: from is "moss"/)
    await expect(rowsIn('not-utf-8')).rejects.toThrow(/a\.parquet, row 2: text is not UTF-8/)
    for (const name of ['bad-row', 'not-utf-8']) {
      const bad = badRows(1)
      expect((await rowsIn(name, { badRows: bad })).map(({ where }) => where)).toEqual([
        'data/a.parquet, row 1',
        'data/a.parquet, row 3',
      ])
      expect(bad.skipped).toHaveLength(1)
    }
  })

  it('the codec that is missing', async () => {
    // LZO (3) in place of zstd (6) wherever a column says it: a field of i32 after the path, zigzag.
    const bytes = bytesOf('pyarrow-zstd').slice()
    for (let i = bytes.length - 2500; i < bytes.length - 8; i++)
      if (bytes[i] === 0x15 && bytes[i + 1] === 0x0c && bytes[i + 2] === 0x16) bytes[i + 1] = 0x06
    await expect(all(rowFiles(place(bytes)))).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/a\.parquet: column id is compressed with LZO/),
    })
  })

  it('a run of more values than its page has, before there is room for them', async () => {
    // Definition levels of four rows, all 1: two bytes, a run of 4. In their place a run of 100,000.
    const bytes = bytesOf('pyarrow-none').slice()
    const at = Buffer.from(bytes).indexOf(Buffer.from([2, 0, 0, 0, 8, 1]))
    bytes.set([6, 0, 0, 0, 0xc0, 0x9a, 0x0c, 1], at)
    await expect(all(rowFiles(place(bytes)))).rejects.toThrow(
      /a\.parquet is no Parquet file that can be read: row group 1, column \w+: a run of 100000 values is in a page of 4/,
    )
  })

  it('themselves, where they are cut off', async () => {
    const bytes = bytesOf('pyarrow-zstd')
    for (const length of [4, 8, 11, 12, 100, bytes.length - 1])
      await expect(all(rowFiles(place(bytes.slice(0, length)))), String(length)).rejects.toMatchObject({
        code: 'FILE_FORMAT',
        message: expect.stringMatching(/a\.parquet/),
      })
  })

  it('themselves, where they are damaged at any byte; or a row, or give rows', async () => {
    for (const name of ['pyarrow-zstd', 'pyarrow-v2', 'polars-lz4', 'tokens', 'null-columns', 'pyarrow-none']) {
      const whole = bytesOf(name)
      let random = 1
      for (let i = 0; i < 120; i++) {
        const bytes = whole.slice()
        for (let change = 0; change < 1 + (i % 3); change++) {
          random = (random * 48271) % 2147483647
          bytes[4 + (random % (bytes.length - 4))] = random >> 8
        }
        const file = openFile({ directory: memoryDirectory({ 'a.parquet': bytes }), file: 'a.parquet' })
        for (const limits of [undefined, { bytes: 64, values: 2 ** 20 }])
          try {
            for (const { value } of await all(parquetRows(file, new Set(), limits))) value()
          } catch (error) {
            expect(error, `${name} ${i}`).toMatchObject({
              name: 'OutriderError',
              message: expect.stringContaining('a.parquet'),
            })
          }
      }
    }
  })
})
