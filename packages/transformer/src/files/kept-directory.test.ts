import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OutriderError } from '@outrider/tensor'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkReadableDirectory } from '../testing/index'
import type { Directory } from './directory'
import { keptDirectory, keptFiles } from './kept-directory'
import { memoryDirectory } from './memory-directory'
import { directory } from './node-directory'

const mebi = 2 ** 20
const weights = new Uint8Array(33 * mebi).map((_, i) => (i >> 16) ^ i)
const file = 'model.safetensors'

/** A directory that is far, what was asked of it, and what may change of it. */
function far(now: { weights: Uint8Array; version: string | undefined } = { weights, version: 'etag "a"' }) {
  const asked: string[] = []
  const source: Directory = {
    ...memoryDirectory({ 'config.json': '{}' }, 'http://host/m'),
    version: async () => now.version,
    size: async () => now.weights.length,
    async read(_, { start = 0, end = now.weights.length } = {}) {
      asked.push(`${start / mebi}-${end / mebi}`)
      return now.weights.slice(start, end)
    },
  }
  return { source, asked, now }
}

const same = (one: Uint8Array, other: Uint8Array) => Buffer.compare(one, other) === 0

/** What a visit reads, a little at a time, and what it tells. */
async function visit(source: Directory, store: Directory, options: { room?: () => Promise<number> } = {}) {
  const troubles: unknown[] = []
  const progress: number[] = []
  const kept = keptDirectory(source, store, {
    ...options,
    onTrouble: (error) => troubles.push(error),
    onProgress: ({ keptBytes }) => progress.push(keptBytes / mebi),
  })
  await kept.keep!(file)
  const size = await kept.size(file)
  const parts: Uint8Array[] = []
  for (let start = 0; start < size; start += 5 * mebi)
    parts.push(await kept.read(file, { start, end: start + 5 * mebi }))
  return { bytes: Buffer.concat(parts), troubles, progress }
}

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'outrider-kept-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

it('keeps what Directory promises to those who read, before a file is kept and after', async () => {
  const contents = { 'a.bin': Uint8Array.of(1, 2, 3, 4), 'in/b.txt': 'grüße' }
  const kept = keptDirectory({ ...memoryDirectory(contents), version: async () => 'one' }, memoryDirectory())
  await checkReadableDirectory(kept, { contents })
  for (const file of Object.keys(contents)) await kept.keep!(file)
  await checkReadableDirectory(kept, { contents })
})

it.each([
  ['in memory', () => memoryDirectory()],
  ['on disk', () => directory(join(root, 'store'))],
])('a second visit asks for no weights: a store %s has them', async (_, make) => {
  const store = make()
  await store.write('.made', '')
  const first = far()
  const one = await visit(first.source, store)
  expect(same(one.bytes, weights)).toBe(true)
  expect(first.asked).toEqual(['0-16', '16-32', '32-33'])
  expect(one.progress).toEqual([0, 16, 32, 33])

  const second = far()
  // A header is read before anything is asked to be kept.
  const kept = keptDirectory(second.source, store)
  expect(same(await kept.read(file, { start: 8, end: 600 }), weights.subarray(8, 600))).toBe(true)
  const other = await visit(second.source, store)
  expect(same(other.bytes, weights)).toBe(true)
  expect(second.asked).toEqual([])
  expect(other.troubles).toEqual([])
  expect(await keptFiles(store).bytes()).toBe(weights.length)
})

describe('what the store has of a file', () => {
  it('is of one state of it: with another version or size it is fetched anew, and the old is removed', async () => {
    const store = memoryDirectory()
    const { source, asked, now } = far()
    await visit(source, store)
    now.version = 'etag "b"'
    now.weights = weights.map((byte) => byte ^ 1)
    expect(same((await visit(source, store)).bytes, now.weights)).toBe(true)
    now.weights = now.weights.subarray(0, 20 * mebi)
    expect(same((await visit(source, store)).bytes, now.weights)).toBe(true)
    expect(asked).toEqual(['0-16', '16-32', '32-33', '0-16', '16-32', '32-33', '0-16', '16-20'])
    expect(await keptFiles(store).bytes()).toBe(now.weights.length)
  })

  it('is gone on with after a download that broke off', async () => {
    const store = memoryDirectory()
    const { source, asked } = far()
    const breaking: Directory = {
      ...source,
      async read(name, range) {
        if (range?.start === 16 * mebi) throw new OutriderError('NETWORK', 'The connection broke.')
        return source.read(name, range)
      },
    }
    await expect(visit(breaking, store)).rejects.toMatchObject({ code: 'NETWORK' })
    const { bytes, progress } = await visit(source, store)
    expect(same(bytes, weights)).toBe(true)
    expect(asked).toEqual(['0-16', '16-32', '32-33'])
    expect(progress).toEqual([16, 32, 33])
  })

  it('is mended where pieces are gone or were cut', async () => {
    const store = memoryDirectory()
    const { source, asked } = far()
    await visit(source, store)
    asked.length = 0
    const names = await store.list()
    await store.remove(names[0]!)
    await store.write(names[1]!, new Uint8Array(5))
    expect(same((await visit(source, store)).bytes, weights)).toBe(true)
    expect(asked).toEqual(['0-16', '16-32'])
  })

  it('may be cleared or cut while it is read: the rest comes from the source', async () => {
    const store = memoryDirectory()
    const { source } = far()
    const kept = keptDirectory(source, store)
    await kept.keep!(file)
    await kept.read(file, { start: 0, end: 8 })
    const names = (await store.list()).slice(0, 1)
    await keptFiles(store).clear()
    expect(await store.list()).toEqual([])
    for (const cut of names) await store.write(cut, new Uint8Array(5))
    const part = await kept.read(file, { start: 15 * mebi, end: 17 * mebi })
    expect(same(part, weights.subarray(15 * mebi, 17 * mebi))).toBe(true)
  })

  it('is apart from what other sources have under the same name', async () => {
    const store = memoryDirectory()
    await visit(far().source, store)
    const other = far({ weights: weights.slice(0, mebi).fill(7), version: 'etag "a"' })
    const { bytes } = await visit({ ...other.source, name: 'http://other/m' }, store)
    expect(same(bytes, other.now.weights)).toBe(true)
    expect(await keptFiles(store).bytes()).toBe(34 * mebi)
  })
})

describe('without a store that serves', () => {
  const failing = (how: string) => async () => {
    throw new OutriderError('FILE_WRITE', how)
  }
  const full = (after: number): Directory => {
    const store = memoryDirectory()
    let written = 0
    return {
      ...store,
      write: (name, content) => (written++ < after ? store.write(name, content) : failing('The storage is full.')()),
    }
  }

  it.each([
    ['there is none', { ...memoryDirectory(), list: failing('There is none.') }, /none/],
    ['it is full', full(0), /full/],
    ['it is full half-way', full(1), /full/],
    ['another tab holds a file', { ...memoryDirectory(), write: failing('another tab is writing it') }, /another tab/],
  ])('(%s) what is read comes from the source, and it is told why, once', async (_, store, why) => {
    const { bytes, troubles } = await visit(far().source, store)
    expect(same(bytes, weights)).toBe(true)
    expect(troubles).toEqual([expect.objectContaining({ message: expect.stringMatching(why) })])
  })

  it('nothing is begun that does not fit', async () => {
    const store = memoryDirectory()
    const { bytes, troubles } = await visit(far().source, store, { room: async () => 20 * mebi })
    expect(same(bytes, weights)).toBe(true)
    expect(troubles).toEqual([expect.objectContaining({ code: 'FILE_WRITE' })])
    expect(await store.list()).toEqual([])
  })

  it('a file of which nothing says when it changes is not kept', async () => {
    const store = memoryDirectory()
    const { bytes, troubles } = await visit(far({ weights, version: undefined }).source, store)
    expect(same(bytes, weights)).toBe(true)
    expect(troubles).toEqual([expect.objectContaining({ code: 'UNSUPPORTED' })])
    expect(await store.list()).toEqual([])
  })
})
