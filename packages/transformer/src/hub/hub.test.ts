import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { directory } from '../files/index'
import { loadCausalLM } from '../pretrained/index'
import { stories } from '../stories.fixture'
import { checkReadableDirectory } from '../testing/index'
import { commit, type TestHub, testHub } from './hub.fixture'
import { type HubOptions, hubDirectory } from './hub-directory'
import { parseHubId } from './hub-id'

const name = 'tiny/stories'
let hub: TestHub
let cacheDirectory: string
beforeEach(async () => {
  const source = directory(testData('stories260K'))
  const names = [
    'config.json',
    'generation_config.json',
    'model.safetensors',
    'tokenizer.json',
    'tokenizer_config.json',
  ]
  hub = await testHub(
    name,
    Object.fromEntries(await Promise.all(names.map(async (file) => [file, await source.read(file)] as const))),
  )
  cacheDirectory = await mkdtemp(join(tmpdir(), 'outrider-hub-'))
})
afterEach(async () => {
  await hub.close()
  await rm(cacheDirectory, { recursive: true, force: true })
})

const weights = 'model.safetensors'
const open = (options: HubOptions = {}) =>
  hubDirectory(name, { endpoint: hub.endpoint, cacheDirectory, pauses: [1, 1, 1], ...options })
const stored = () => directory(testData('stories260K')).read(weights)
const snapshot = () => join(cacheDirectory, 'models--tiny--stories', 'snapshots', commit)
const blobs = () => readdir(join(cacheDirectory, 'models--tiny--stories', 'blobs'))
const contentRequests = () => hub.requests.filter(({ path }) => path.endsWith(weights))

describe('a model of a hub', () => {
  it('keeps what Directory promises to those who read', async () => {
    const source = directory(testData('stories260K'))
    const names = await (await open()).list()
    const contents = Object.fromEntries(await Promise.all(names.map(async (file) => [file, await source.read(file)])))
    await checkReadableDirectory(await open(), { contents, isReadOnly: true })
  })

  it('loads, into the cache of Hugging Face and in its layout, and from there without the network', async () => {
    const device = await testDevice()
    const progress: number[] = []
    const files = await open({
      onDownload: ({ file, downloadedBytes }) => file === weights && progress.push(downloadedBytes),
    })
    const loaded = await loadCausalLM(files, { device })
    expect(loaded.source).toBe(name)
    const original = (await stories()).model.parameters['model.norm.weight']!
    expect(await loaded.model.parameters['model.norm.weight']!.data()).toEqual(await original.data())
    loaded.dispose()
    expect(progress.at(-1)).toBe((await stored()).length)
    expect(await readdir(snapshot())).toContain(weights)
    expect(await readFile(join(cacheDirectory, 'models--tiny--stories', 'refs', 'main'), 'utf8')).toBe(commit)

    const asked = hub.requests.length
    const again = await open()
    await again.read(weights)
    expect(hub.requests.slice(asked).every(({ path }) => path.startsWith('/api/'))).toBe(true)
    await hub.close()
    const offline = await open()
    expect(Buffer.from(await offline.read(weights)).equals(await stored())).toBe(true)
    const switched = await open({ offline: true })
    expect(await switched.has('config.json')).toBe(true)
  })

  it('goes on after a broken connection where it broke off, and after a killed process', async () => {
    const bytes = await stored()
    hub.troubles.push((_, response, whole) => {
      response.write(whole.subarray(0, 400_000), () => response.destroy())
      return true
    })
    const files = await open()
    expect(Buffer.from(await files.read(weights)).equals(bytes)).toBe(true)
    const [, second] = contentRequests()
    expect(Number(/bytes=(\d+)-/.exec(second!.range!)![1])).toBeGreaterThan(0)

    // What another process left behind.
    const [blob] = (await blobs()).filter((file) => file.length === 64)
    await rm(join(snapshot(), weights))
    const path = join(cacheDirectory, 'models--tiny--stories', 'blobs', blob!)
    await rm(path)
    await writeFile(`${path}.incomplete`, bytes.subarray(0, 1000))
    await (await open()).read(weights)
    expect(contentRequests().at(-1)!.range).toBe('bytes=1000-')
  })

  it('begins anew where the server does not know ranges', async () => {
    hub.troubles.push(
      (_, response, whole) => {
        response.write(whole.subarray(0, 300_000), () => response.destroy())
        return true
      },
      (_, response, whole) => {
        response.end(whole)
        return true
      },
    )
    expect(Buffer.from(await (await open()).read(weights)).equals(await stored())).toBe(true)
  })

  it.each([429, 500, 503])('tries again after %i', async (status) => {
    hub.troubles.push((_, response) => {
      response.writeHead(status, { 'retry-after': '0.01' }).end()
      return true
    })
    expect((await (await open()).read(weights)).length).toBe((await stored()).length)
    expect(contentRequests()).toHaveLength(2)
  })

  it('gives up after the last attempt, says what to do, and keeps what has come', async () => {
    const unavailable = (_: unknown, response: import('node:http').ServerResponse) => {
      response.writeHead(503).end()
      return true
    }
    hub.troubles.push(unavailable, unavailable, unavailable, unavailable)
    await expect((await open()).read(weights)).rejects.toMatchObject({
      code: 'NETWORK',
      message: expect.stringMatching(/answered 503.*what has been downloaded is kept/),
    })
  })

  it('refuses other bytes than the hub lists, and leaves no trace of them', async () => {
    const wrong = (_: unknown, response: import('node:http').ServerResponse, whole: Uint8Array) => {
      response.end(whole.map((byte, i) => (i === 5000 ? byte ^ 1 : byte)))
      return true
    }
    hub.troubles.push(wrong, wrong)
    await expect((await open()).read(weights)).rejects.toMatchObject({
      code: 'FILE_FORMAT',
      message: expect.stringMatching(/other bytes than it lists/),
    })
    expect(await blobs()).toEqual([])
  })

  it.each([
    ['fewer', -7],
    ['more', 7],
  ])('does not take %s bytes for the file', async (_, difference) => {
    const wrong = (_: unknown, response: import('node:http').ServerResponse, whole: Uint8Array) => {
      const sent = new Uint8Array(whole.length + difference)
      sent.set(whole.subarray(0, sent.length))
      response.end(sent)
      return true
    }
    hub.troubles.push(wrong)
    expect(Buffer.from(await (await open()).read(weights)).equals(await stored())).toBe(true)
  })

  it('stops when it is told to, and goes on later', async () => {
    const stop = new AbortController()
    hub.troubles.push((_, response, whole) => {
      response.write(whole.subarray(0, 200_000), () => setTimeout(() => stop.abort(), 20))
      return true
    })
    await expect((await open({ signal: stop.signal })).read(weights)).rejects.toMatchObject({ code: 'ABORTED' })
    await (await open()).read(weights)
    expect(contentRequests().at(-1)!.range).toMatch(/^bytes=[1-9]/)
  })

  it('says what is missing: a model, a permission, the network', async () => {
    const closed = await testHub('closed/model', {}, { token: 'hf_secret' })
    const ask = (id: string, options: HubOptions) => hubDirectory(id, { cacheDirectory, pauses: [1], ...options })
    await expect(ask('tiny/other', { endpoint: hub.endpoint })).rejects.toMatchObject({
      code: 'FILE_MISSING',
      message: expect.stringMatching(/tiny\/other.*404.*Check the name/),
    })
    await expect(ask('closed/model', { endpoint: closed.endpoint })).rejects.toThrow(/401.*HF_TOKEN/)
    await expect(ask('closed/model', { endpoint: closed.endpoint, token: 'hf_wrong' })).rejects.toThrow(/no access/)
    expect(await (await ask('closed/model', { endpoint: closed.endpoint, token: 'hf_secret' })).list()).toEqual([])
    await closed.close()
    await expect(ask('tiny/nowhere', { endpoint: closed.endpoint })).rejects.toMatchObject({
      code: 'NETWORK',
      message: expect.stringMatching(/not in the cache/),
    })
    await expect(ask('not a name', {})).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it('tells names of a hub from paths', () => {
    expect(parseHubId('org/na.me-1')).toEqual({ name: 'org/na.me-1', revision: 'main' })
    expect(parseHubId('org/name@refs/pr/1')).toEqual({ name: 'org/name', revision: 'refs/pr/1' })
    for (const path of ['./a/b', '../a/b', '/a/b', 'a', 'a/b/c', 'a\\b', '', 'a/b@'])
      expect(parseHubId(path)).toBeUndefined()
  })
})
