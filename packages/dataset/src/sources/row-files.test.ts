import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testData } from '@outrider/test-data'
import { memoryDirectory } from '@outrider/transformer'
import { afterAll, describe, expect, it } from 'vitest'
import { badRows } from '../formats/bad-rows'
import { jsonl } from './jsonl'
import { rowFiles } from './row-files'
import type { RowOptions } from './rows-in'

const folder = mkdtempSync(join(tmpdir(), 'outrider-row-files-'))
afterAll(() => rmSync(folder, { recursive: true }))

const parquet = readFileSync(testData('parquet/polars-zstd.parquet'))
const row = (text: string) => JSON.stringify({ text })

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}
const read = (content: string | Uint8Array, options?: RowOptions, file = 'a.json') =>
  all(rowFiles({ directory: memoryDirectory({ [file]: content }), files: [file] }, options))
const placesOf = async (files: string | string[]) =>
  (await all(rowFiles(files))).map(({ where }) => where!.slice(folder.length + 1))

describe('rowFiles', () => {
  it('reads JSONL, a JSON list and Parquet, whatever the names say', async () => {
    expect(await read(`${row('a')}\n${row('b')}\n`)).toMatchObject([
      { text: 'a' },
      { text: 'b', where: 'memory/a.json, line 2' },
    ])
    expect(await read(`\ufeff [\n ${row('a')},\n ${row('b')}\n]`)).toMatchObject([
      { text: 'a', where: 'memory/a.json, row 1' },
      { text: 'b', where: 'memory/a.json, row 2' },
    ])
    expect(await read(parquet)).toHaveLength(6)
    expect(await read('')).toEqual([])
    expect(await read('[]')).toEqual([])
  })

  it.each([
    ['by columns', '{"prompt":{"0":"a","1":"b"},"completion":{"0":"c","1":"d"}}', /table by columns.*orient="records"/],
    ['by index', '{"0":{"prompt":"a"},"1":{"prompt":"b"}}', /table by columns or by index/],
    ['with its columns apart', '{"columns":["prompt"],"index":[0],"data":[["a"]]}', /whole table.*orient="records"/],
    ['with a schema', '{"schema":{"fields":[]},"data":[{"index":0,"prompt":"a"}]}', /whole table/],
    ['under a key', '{"version":1,"train":[{"prompt":"a"}]}', /list of objects under train.*jq -c "\.train\[\]"/],
    ['over several lines', '{\n  "prompt": "a"\n}', /a row is one line.*jq -c/],
    ['over several lines, a key with the first', '{ "messages": [\n {} ]}', /a row is one line/],
    ['as Python prints it', "{'prompt': 'a'}", /Python prints a dict.*json\.dumps/],
    ['with commas between', '{"prompt":"a"},\n{"prompt":"b"}', /a comma behind it/],
    ['on one line', '{"prompt":"a"}{"prompt":"b"}', /several rows on one line/],
  ])('says of rows %s what they are and what helps', async (_, content, message) => {
    await expect(read(content)).rejects.toMatchObject({ code: 'FILE_FORMAT', message: expect.stringMatching(message) })
    await expect(read(content)).rejects.toThrow(/a\.json, line 1/)
  })

  it('reads several files, patterns and folders, each in the order of its names', async () => {
    mkdirSync(join(folder, 'set/data'), { recursive: true })
    writeFileSync(join(folder, 'set/data/train-00001-of-00002.parquet'), parquet)
    writeFileSync(join(folder, 'set/data/train-00000-of-00002.parquet'), parquet)
    writeFileSync(join(folder, 'set/README.md'), 'about')
    writeFileSync(join(folder, 'b.jsonl'), row('b'))
    writeFileSync(join(folder, 'a.jsonl'), row('a'))
    expect(await placesOf([join(folder, 'b.jsonl'), join(folder, 'a.jsonl')])).toEqual([
      'b.jsonl, line 1',
      'a.jsonl, line 1',
    ])
    expect(await placesOf(join(folder, '*.jsonl'))).toEqual(['a.jsonl, line 1', 'b.jsonl, line 1'])
    const shards = await placesOf(join(folder, 'set/'))
    expect(shards).toHaveLength(12)
    expect([shards[0], shards[11]]).toEqual([
      'set/data/train-00000-of-00002.parquet, row 1',
      'set/data/train-00001-of-00002.parquet, row 6',
    ])
    expect(await placesOf(join(folder, 'set/data/train-*'))).toEqual(shards)
  })

  it('does not put the splits of a folder together, and says what a folder lacks', async () => {
    mkdirSync(join(folder, 'splits'))
    await expect(placesOf(join(folder, 'splits'))).rejects.toMatchObject({
      code: 'FILE_MISSING',
      message: expect.stringMatching(/splits holds no file/),
    })
    writeFileSync(join(folder, 'splits/train.jsonl'), row('a'))
    writeFileSync(join(folder, 'splits/test.jsonl'), row('b'))
    await expect(placesOf(join(folder, 'splits'))).rejects.toThrow(/several splits: test, train/)
    mkdirSync(join(folder, 'chats'))
    for (const name of ['test_sft-00000-of-00001', 'train_sft-00000-of-00002', 'train_sft-00001-of-00002'])
      writeFileSync(join(folder, `chats/${name}.parquet`), parquet)
    await expect(placesOf(join(folder, 'chats'))).rejects.toThrow(/several splits: test_sft, train_sft.*test_sft-\*/)
    rmSync(join(folder, 'chats/test_sft-00000-of-00001.parquet'))
    expect(await placesOf(join(folder, 'chats'))).toHaveLength(12)
    await expect(placesOf(join(folder, '*/data/a.jsonl'))).rejects.toThrow(/only the last part may have \*/)
    await expect(all(rowFiles('https://host/rows.jsonl'))).rejects.toThrow(/is an address.*Download it first/)
    await expect(placesOf(join(folder, 'nowhere.jsonl'))).rejects.toThrow(/There is no file or folder .*nowhere\.jsonl/)
    await expect(placesOf('org/name')).rejects.toThrow(/--repo-type dataset org\/name/)
    await expect(placesOf(join(folder, '*.rst'))).rejects.toMatchObject({ code: 'FILE_MISSING' })
  })

  it.runIf(process.platform !== 'win32')('says of a pipe that it is one', async () => {
    execFileSync('mkfifo', [join(folder, 'pipe')])
    await expect(placesOf(join(folder, 'pipe'))).rejects.toThrow(/pipe is a pipe or a device.*into a file first/)
  })

  it('names what a file is instead', async () => {
    const bytes = (...first: number[]) => Uint8Array.from([...first, ...new Array(20).fill(0)])
    for (const [content, message] of [
      [bytes(0x1f, 0x8b), /gzip.*gunzip/],
      [bytes(0x28, 0xb5, 0x2f, 0xfd), /Zstandard/],
      [bytes(0x42, 0x5a, 0x68), /bzip2/],
      [bytes(0x50, 0x4b, 3, 4), /ZIP/],
      [new TextEncoder().encode('ARROW1\0\0'), /Arrow file/],
      [bytes(0xff, 0xff, 0xff, 0xff), /Arrow stream.*to_parquet/],
      [new TextEncoder().encode('PARE'), /encrypted Parquet/],
      [bytes(0xff, 0xfe, 0x7b), /UTF-16/],
      ['version https://git-lfs.github.com/spec/v1\noid sha256:0\n', /pointer of Git LFS/],
      ['<!doctype html><html>', /HTML page/],
    ] as const)
      await expect(read(content)).rejects.toMatchObject({
        code: 'FILE_FORMAT',
        message: expect.stringMatching(message),
      })
    await expect(read('prompt,completion\na,b\n', {}, 'a.csv')).rejects.toThrow(/a\.csv is a table \(CSV\)/)
  })

  it('is what jsonl does, too, of a file that is not JSONL', async () => {
    for (const [content, count] of [
      [`[${row('a')}]`, 1],
      [parquet, 6],
    ] as const)
      expect(await all(jsonl({ directory: memoryDirectory({ a: content }), file: 'a' }))).toHaveLength(count)
  })

  it('tells once of the keys that nobody knows', async () => {
    const told: unknown[] = []
    const source = rowFiles(
      {
        directory: memoryDirectory({
          'a.jsonl': `{"prompt":"a","mood":"x","id":1}\n{"prompt":"b","mood":"y","weather":null}\n{"messages":[{"role":"user","content":"c","hue":1}]}`,
        }),
        files: ['a.jsonl'],
      },
      { onUnknownKeys: (file, keys) => told.push([file, ...keys]) },
    )
    expect(await all(source)).toHaveLength(3)
    expect(told).toEqual([['memory/a.jsonl', 'mood', 'hue']])
  })
})

describe('badRows', () => {
  const content = [row('a'), '{"txt":1}', '', '{"text":', row('b'), '[]', row('c')].join('\n')

  it('lets so many rows be bad; the others keep their order and their places', async () => {
    const told: string[] = []
    const bad = badRows(3, ({ message }) => told.push(message))
    const expected = [
      { text: 'a', where: 'memory/a.json, line 1' },
      { text: 'b', where: 'memory/a.json, line 5' },
      { text: 'c', where: 'memory/a.json, line 7' },
    ]
    expect(await read(content, { badRows: bad })).toMatchObject(expected)
    expect(await read(content, { badRows: bad })).toMatchObject(expected)
    expect(told.map((message) => message.match(/line \d/)![0])).toEqual(['line 2', 'line 4', 'line 6'])
    expect(bad.skipped).toHaveLength(3)
  })

  it('ends with the row that is one too many, or with the first', async () => {
    await expect(read(content, { badRows: badRows(2) })).rejects.toMatchObject({
      code: 'FILE_FORMAT',
      message: expect.stringMatching(/line 6: a row must be a JSON object\. 2 bad rows were let pass/),
    })
    for (const options of [{}, { badRows: badRows(0) }])
      await expect(read(content, options)).rejects.toThrow(/line 2: it has none of the fields/)
  })

  it('lets a line be bad whose bytes are not UTF-8, and no file that is missing', async () => {
    const bytes = Uint8Array.from([...Buffer.from(row('a')), 10, 0x7b, 0xff, 10, ...Buffer.from(row('b'))])
    expect(await read(bytes, { badRows: badRows(1) })).toHaveLength(2)
    await expect(all(rowFiles(join(folder, 'gone.jsonl'), { badRows: badRows(9) }))).rejects.toMatchObject({
      code: 'FILE_MISSING',
    })
  })
})
