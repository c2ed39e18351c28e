import { mkdtemp, open, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkDirectory, checkReadableDirectory } from '../testing/index'
import type { Directory } from './directory'
import { fileListDirectory } from './file-list-directory'
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

it.each(kinds)('%s keeps what Directory promises', (_, make) => checkDirectory(make()))

it('files that a browser was given do, to those who read', async () => {
  const contents = { 'a.txt': 'grüße', 'in/b.bin': Uint8Array.of(1, 2, 3), 'in/low/c': 'x' }
  const chosen = Object.entries(contents).map(([path, content]) => {
    const file = new File([content], path.slice(path.lastIndexOf('/') + 1))
    return Object.defineProperty(file, 'webkitRelativePath', { value: `picked/${path}` })
  })
  await checkReadableDirectory(fileListDirectory(chosen), { contents, isReadOnly: true })
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

  it('keeps what Directory promises to those who read, from servers with and without range support', () => {
    const contents = { 'a.txt': body, 'no ranges.txt': body }
    return checkReadableDirectory(files, { contents, lists: false, isReadOnly: true })
  })

  it('tells missing files from refused ones', async () => {
    await expect(files.has('secret')).rejects.toMatchObject({ message: expect.stringContaining('403') })
  })
})
