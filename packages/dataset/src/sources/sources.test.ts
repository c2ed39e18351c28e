import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testData } from '@outrider/test-data'
import { memoryDirectory } from '@outrider/transformer'
import { afterAll, describe, expect, it } from 'vitest'
import { jsonl } from './jsonl'
import { type Line, linesOf, wholeLinesEnd } from './lines'
import { textFiles } from './text-files'

const folder = mkdtempSync(join(tmpdir(), 'outrider-sources-'))
afterAll(() => rmSync(folder, { recursive: true }))

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

/** A file in memory that gives at most `piece` bytes at a time. */
function file(content: string | Uint8Array, piece = Number.POSITIVE_INFINITY) {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
  return {
    name: 'file',
    size: async () => bytes.length,
    read: async (start: number, end: number) => bytes.subarray(start, Math.min(end, start + piece)),
  }
}

const texts = (lines: Line[]) => lines.map(({ text }) => text)

describe('linesOf', () => {
  it('gives the same lines however the file is cut into pieces', async () => {
    const content = 'ü one\r\n\ntwo 🐢\nthree'
    for (const piece of [1, 2, 3, 7, 100]) {
      const lines = await all(linesOf(file(content, piece)))
      expect(texts(lines)).toEqual(['ü one', '', 'two 🐢', 'three'])
      expect(lines.map(({ number }) => number)).toEqual([1, 2, 3, 4])
    }
  })

  it('knows where the last whole line ends, in bytes', async () => {
    const long = 'x'.repeat(3 * 2 ** 20)
    for (const [content, end] of [
      ['ü\nab\n', 6],
      ['ü\nab', 3],
      [`a\n${long}`, 2],
      [long, 0],
      ['', 0],
    ] as const)
      expect(await wholeLinesEnd(file(content))).toBe(end)
  })

  it('takes off a byte order mark; an empty file has no lines', async () => {
    expect(texts(await all(linesOf(file('\ufeffa\n\ufeffb\n'))))).toEqual(['a', '\ufeffb'])
    expect(await all(linesOf(file('')))).toEqual([])
  })

  it('names the line of bytes that are not UTF-8', async () => {
    const lines = await all(linesOf(file(Uint8Array.of(97, 10, 0xff, 10, 98))))
    expect(() => lines[1]!.text).toThrow(/file, line 2 is not UTF-8/)
    expect([lines[0]!.text, lines[2]!.text]).toEqual(['a', 'b'])
  })
})

describe('jsonl', () => {
  it('gives its rows again and again, and passes over blank lines', async () => {
    const source = jsonl({
      directory: memoryDirectory({ 'a.jsonl': '{"text":"one"}\n\n{"text":"two"}' }),
      file: 'a.jsonl',
    })
    const expected = [
      { kind: 'text', text: 'one', where: 'memory/a.jsonl, line 1' },
      { kind: 'text', text: 'two', where: 'memory/a.jsonl, line 3' },
    ]
    expect(await all(source)).toEqual(expected)
    expect(await all(source)).toEqual(expected)
  })

  it('names file and line of what is wrong', async () => {
    const path = join(folder, 'bad.jsonl')
    writeFileSync(path, '{"text":"one"}\n{"text":\n')
    await expect(all(jsonl(path))).rejects.toThrow(/bad\.jsonl, line 2/)
    writeFileSync(path, '{"text":"one"}\n\n{"txt":"two"}\n')
    await expect(all(jsonl(path))).rejects.toThrow(/bad\.jsonl, line 3: it has none of the fields/)
  })

  it('takes what other programs leave: a byte order mark, CRLF, lines of blanks, NaN', async () => {
    const content = '\ufeff \t\r\n{"text":"one","score":NaN}\r\n   \r\n{"text":"two"}\r\n\r\n'
    const source = jsonl({ directory: memoryDirectory({ 'a.jsonl': content }), file: 'a.jsonl' })
    expect((await all(source)).map((row) => [(row as { text: string }).text, row.where?.slice(-6)])).toEqual([
      ['one', 'line 2'],
      ['two', 'line 4'],
    ])
  })

  it('says where a file is missing', async () => {
    await expect(all(jsonl(join(folder, 'nowhere.jsonl')))).rejects.toMatchObject({ code: 'FILE_MISSING' })
  })
})

describe('textFiles', () => {
  it('gives documents in the order of the files’ names, split at the separator', async () => {
    writeFileSync(join(folder, 'b.txt'), 'three\n')
    writeFileSync(join(folder, 'a.txt'), 'one\nmore\n<|endoftext|>\n\n<|endoftext|>\ntwo')
    writeFileSync(join(folder, 'c.md'), 'no')
    const found = await all(textFiles(join(folder, '*.txt')))
    expect(found.map((row) => (row as { text: string }).text)).toEqual(['one\nmore', 'two', 'three'])
    expect(found.map(({ where }) => where)).toEqual([
      `${join(folder, 'a.txt')}, line 1`,
      `${join(folder, 'a.txt')}, line 6`,
      `${join(folder, 'b.txt')}, line 1`,
    ])
    rmSync(join(folder, 'bad.jsonl'), { force: true })
    expect(await all(textFiles(folder))).toEqual(found)
    const whole = await all(textFiles([join(folder, 'a.txt')], { separator: '---' }))
    expect(whole).toHaveLength(1)
  })

  it('gives the rows of files of rows, and not their JSON', async () => {
    const rows = {
      'a.jsonl': '{"text":"one"}\n',
      'b.txt': 'two',
      'c.bin': readFileSync(testData('parquet/bad-row.parquet')),
    }
    const directory = memoryDirectory(rows)
    const source = textFiles({ directory, files: ['a.jsonl', 'b.txt'] })
    expect((await all(source)).map((row) => (row as { text: string }).text)).toEqual(['one', 'two'])
    await expect(all(textFiles({ directory, files: ['c.bin'] }))).rejects.toThrow(/c\.bin, row 2/)
  })

  it('says when nothing matches', async () => {
    await expect(all(textFiles(join(folder, '*.rst')))).rejects.toMatchObject({ code: 'FILE_MISSING' })
    await expect(all(textFiles(join(folder, 'missing.txt')))).rejects.toMatchObject({ code: 'FILE_MISSING' })
  })
})
