import { mkdtemp, open, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Directory } from './directory'
import { opfsDirectory } from './handle-directory'
import { memoryDirectory } from './memory-directory'
import { directory } from './node-directory'
import { urlDirectory } from './url-directory'
import { within } from './within'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'outrider-files-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

const kinds: [string, () => Directory][] = [
  ['a directory on disk', () => directory(join(root, 'made', 'when-needed'))],
  ['a directory in memory', () => memoryDirectory()],
  ['a folder within a directory', () => within(memoryDirectory({ secret: '', 'other/secret': '' }), 'a/folder')],
]

describe.each(kinds)('%s', (_, make) => {
  it('gives back what was written, whole and in parts', async () => {
    const files = make()
    await files.write('b.txt', 'grüße')
    await files.write('a.bin', [Uint8Array.of(1, 2), Uint8Array.of(3)])
    expect(await files.readText('b.txt')).toBe('grüße')
    expect([...(await files.read('a.bin', { start: 1, end: 9 }))]).toEqual([2, 3])
    expect(await files.size('a.bin')).toBe(3)
    expect(await files.list()).toEqual(['a.bin', 'b.txt'])
  })

  it('adds to the end of a file, which need not be there', async () => {
    const files = make()
    await files.append('deep/lines', 'one\n')
    await files.append('deep/lines', new TextEncoder().encode('zwölf\n'))
    expect(await files.readText('deep/lines')).toBe('one\nzwölf\n')
    await files.append('deep/lines', 'two\n', 4)
    expect(await files.readText('deep/lines')).toBe('one\ntwo\n')
    expect(await files.list('deep')).toEqual(['lines'])
  })

  it('tells its folders from its files', async () => {
    const files = make()
    for (const file of ['top', 'in/one', 'in/two', 'in/low/three', 'by/four']) await files.write(file, 'x')
    expect(await files.folders!()).toEqual(expect.arrayContaining(['by', 'in']))
    expect(await files.folders!('in')).toEqual(['low'])
    expect(await files.list('in')).toEqual(['one', 'two'])
    for (const file of ['top', 'in/one', 'in/two', 'in/low/three', 'by/four']) await files.remove(file)
  })

  it('removes files, and says which are there', async () => {
    const files = make()
    await files.write('c', 'x')
    expect(await files.has('c')).toBe(true)
    await files.remove('c')
    await files.remove('c')
    expect(await files.has('c')).toBe(false)
  })

  it('names the directory and the file when one is missing', async () => {
    const files = make()
    await expect(files.read('none.bin')).rejects.toMatchObject({
      code: 'FILE_MISSING',
      message: expect.stringContaining('none.bin'),
    })
    await expect(files.size('none.bin')).rejects.toMatchObject({ code: 'FILE_MISSING' })
  })

  it('refuses names that lead outside', async () => {
    const files = make()
    for (const file of ['../secret', '../../secret', '/etc/passwd', 'a/../../b', 'a\\..\\b', 'c:b', 'a\0', '.', ''])
      for (const use of ['read', 'readText', 'size', 'has', 'remove'] as const)
        await expect(async () => files[use](file)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    for (const file of ['../secret', '/etc/passwd', 'a/../../b']) {
      await expect(async () => files.write(file, 'x')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      await expect(async () => files.append(file, 'x')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      await expect(async () => files.list(file)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
  })

  it('keeps the old contents when the new ones fail half-way', async () => {
    const files = make()
    await files.write('kept', 'old')
    const failing = (async function* () {
      yield Uint8Array.of(1)
      throw new Error('the source failed')
    })()
    await expect(files.write('kept', failing)).rejects.toThrow('the source failed')
    expect(await files.readText('kept')).toBe('old')
  })
})

describe('directory', () => {
  it('leaves no temporary file, neither after success nor after failure', async () => {
    const path = join(root, 'tidy')
    const files = directory(path)
    await files.write('good', 'x')
    const failing = (async function* () {
      yield Uint8Array.of(1)
      throw new Error('no')
    })()
    await files.write('bad', failing).catch(() => undefined)
    expect(await readdir(path)).toEqual(['good'])
  })

  it('names the path of a directory that does not exist', async () => {
    await expect(directory(join(root, 'nowhere')).list()).rejects.toMatchObject({
      code: 'FILE_MISSING',
      message: expect.stringContaining('nowhere'),
    })
  })

  it('reports where it may not write', async () => {
    await directory(root).write('a-file', 'x')
    await expect(directory(join(root, 'a-file')).write('below', 'x')).rejects.toMatchObject({
      code: 'FILE_WRITE',
      message: expect.stringContaining(join('a-file', 'below')),
    })
  })

  it.runIf(process.platform === 'linux')('reports a full disk', async () => {
    // /dev/full answers every write with "no space left": the same error a full disk gives.
    const handle = await open('/dev/full', 'w')
    const error = await handle.write('x').catch((cause: unknown) => cause)
    await handle.close()
    const failing = (async function* (): AsyncGenerator<Uint8Array> {
      yield* []
      throw error
    })()
    await expect(directory(root).write('y', failing)).rejects.toMatchObject({
      code: 'FILE_WRITE',
      message: expect.stringContaining('the disk is full'),
    })
  })
})

describe('within', () => {
  it('lists its folders, and brings files near where the outer directory does', async () => {
    const kept: string[] = []
    const outer = {
      ...memoryDirectory({ 'a/b/c': 'x', 'b/d': '' }),
      keep: async (file: string) => void kept.push(file),
    }
    const files = within(outer, 'a')
    expect(await files.list('b')).toEqual(['c'])
    await files.keep!('b/c')
    expect(kept).toEqual(['a/b/c'])
    expect(within(memoryDirectory(), 'a').keep).toBeUndefined()
    expect(() => within(outer, '../a')).toThrow(/not a file name inside/)
  })
})

describe('opfsDirectory', () => {
  it('says where there is no such file system', async () => {
    const files = opfsDirectory('runs/one')
    for (const refused of [files.read('a'), files.write('a', 'x'), files.list()])
      await expect(refused).rejects.toMatchObject({ code: 'UNSUPPORTED', remedy: expect.stringContaining('browser') })
    expect(() => opfsDirectory('../up')).toThrow(/not a file name inside/)
  })
})

describe('urlDirectory', () => {
  const body = 'hello over http'
  const server = createServer((request, response) => {
    const range = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '')
    const path = decodeURIComponent(new URL(request.url!, 'http://x').pathname)
    if (path === '/models/secret') return response.writeHead(403).end()
    if (!path.endsWith('.txt')) return response.writeHead(404).end()
    if (range && path !== '/models/no ranges.txt') {
      const part = body.slice(Number(range[1]), range[2] ? Number(range[2]) + 1 : undefined)
      return response.writeHead(206, { 'content-length': part.length }).end(part)
    }
    response.writeHead(200, { 'content-length': body.length }).end(request.method === 'HEAD' ? '' : body)
  })
  let files: Directory
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    files = urlDirectory(`http://127.0.0.1:${(server.address() as AddressInfo).port}/models`)
  })
  afterAll(() => new Promise((resolve) => server.close(resolve)))

  it('reads whole files and ranges, from servers with and without range support', async () => {
    expect(await files.readText('a.txt')).toBe(body)
    expect(await files.size('a.txt')).toBe(body.length)
    for (const file of ['a.txt', 'no ranges.txt'])
      expect(new TextDecoder().decode(await files.read(file, { start: 6, end: 10 }))).toBe('over')
  })

  it('tells missing files from refused ones', async () => {
    expect(await files.has('a.txt')).toBe(true)
    expect(await files.has('b.bin')).toBe(false)
    await expect(files.read('b.bin')).rejects.toMatchObject({ code: 'FILE_MISSING' })
    await expect(files.has('secret')).rejects.toMatchObject({ message: expect.stringContaining('403') })
  })

  it('is read-only and does not list', async () => {
    for (const refused of [files.write('a.txt', 'x'), files.append('a.txt', 'x'), files.remove('a.txt')])
      await expect(refused).rejects.toMatchObject({ code: 'FILE_WRITE', message: expect.stringContaining('read-only') })
    await expect(files.list()).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })
})
