import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type TestHub, testHub } from './hub.fixture'
import { hubDirectory } from './hub-directory'
import { withLock } from './lock'

let cacheDirectory: string
beforeEach(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), 'outrider-two-'))
})
afterEach(() => rm(cacheDirectory, { recursive: true, force: true }))

// A lock is a file, and knows nothing of who waits: two directories of one process wait as two processes do.
describe('two that download one file into one cache', () => {
  const weights = 'model.safetensors'
  const bytes = Buffer.alloc(300_000, 'weights ')
  let hub: TestHub
  beforeEach(async () => {
    hub = await testHub('some/model', { [weights]: bytes })
  })
  afterEach(() => hub.close())
  const open = (signal?: AbortSignal) =>
    hubDirectory('some/model', {
      endpoint: hub.endpoint,
      cacheDirectory,
      token: '',
      offline: false,
      pauses: [1],
      signal,
    })
  const downloads = () => hub.requests.filter(({ path }) => path.endsWith(weights)).length

  it('download it once, and both have it', async () => {
    hub.troubles.push((_, response, whole) => {
      response.write(whole.subarray(0, 1000), () => setTimeout(() => response.end(whole.subarray(1000)), 150))
      return true
    })
    const both = await Promise.all([open(), open()])
    for (const read of await Promise.all(both.map((model) => model.read(weights))))
      expect(Buffer.from(read).equals(bytes)).toBe(true)
    expect(downloads()).toBe(1)
    expect(await readdir(join(cacheDirectory, 'models--some--model', 'blobs'))).toEqual([
      expect.stringMatching(/^\w{64}$/),
    ])
  })

  it('do not wait for each other after the abort of one', async () => {
    const stop = new AbortController()
    hub.troubles.push((_, response, whole) => {
      response.write(whole.subarray(0, 1000))
      return true
    })
    const first = (await open(stop.signal)).read(weights).catch((error: unknown) => error)
    while (downloads() === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    const waits = (await open(stop.signal)).read(weights).catch((error: unknown) => error)
    const second = (await open()).read(weights)
    stop.abort()
    expect(await first).toMatchObject({ code: 'ABORTED' })
    expect(await waits).toMatchObject({ code: 'ABORTED' })
    expect(Buffer.from(await second).equals(bytes)).toBe(true)
  })
})

describe('a lock', () => {
  const lock = () => join(cacheDirectory, 'lock')
  const settings = { signal: undefined, silenceMilliseconds: 300, unwrittenMilliseconds: 300 }
  /** Whether what waits for the lock gets it within a while. */
  const taken = (work: Promise<unknown>) =>
    Promise.race([work.then(() => true), new Promise((resolve) => setTimeout(resolve, 1500, false))])

  it('is given back after a failure', async () => {
    await expect(withLock(lock(), settings, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await readdir(cacheDirectory)).toEqual([])
  })

  it('of a process that is gone is taken at once', async () => {
    const { pid } = spawnSync(process.execPath, ['--version'])
    await writeFile(lock(), JSON.stringify({ pid, host: hostname() }))
    expect(await withLock(lock(), { signal: undefined }, async () => 'mine')).toBe('mine')
  })

  it.each(['{"pid":1,"host":"another-machine"}', '', 'no lock of ours'])(
    'that nobody touches any more is taken: %j',
    async (text) => {
      await writeFile(lock(), text)
      expect(await withLock(lock(), settings, async () => 'mine')).toBe('mine')
    },
  )

  it('that is no file is not waited for', async () => {
    await mkdir(lock())
    await expect(withLock(lock(), settings, async () => 'mine')).rejects.toMatchObject({ code: 'FILE_WRITE' })
  })

  it('that is touched is waited for', async () => {
    await writeFile(lock(), '{"pid":1,"host":"another-machine"}')
    const beat = setInterval(() => utimes(lock(), new Date(), new Date()), 50)
    const stop = new AbortController()
    const waits = withLock(lock(), { ...settings, silenceMilliseconds: 1000, signal: stop.signal }, async () => 'mine')
    waits.catch(() => undefined)
    expect(await taken(waits)).toBe(false)
    clearInterval(beat)
    stop.abort()
    await expect(waits).rejects.toThrow()
  })
})
