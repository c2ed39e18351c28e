import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { OutriderError } from '@outrider/tensor'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { commit, entryOf, type TestHub, testHub } from './hub.fixture'
import { type HubOptions, hubDirectory } from './hub-directory'
import { parseHubId } from './hub-id'

const name = 'some/model'
const weights = 'model.safetensors'
const files = {
  'config.json': Buffer.from('{"model_type":"llama"}'),
  [weights]: Buffer.from(Uint8Array.from({ length: 200_000 }, (_, i) => (i * i) >> 3)),
}
const listed = Object.entries(files).map(entryOf)
const infoPath = `/api/models/${name}/revision/main`
const treePath = `/api/models/${name}/tree/${commit}`

/** A home folder with the user's own file in it, and the cache beside that. */
let home: string
let cacheDirectory: string
let store: string
const own = 'what only the user has'
let hubs: TestHub[]
beforeEach(async () => {
  // Whoever runs the tests may be offline.
  vi.stubEnv('HF_HUB_OFFLINE', '')
  vi.stubEnv('TRANSFORMERS_OFFLINE', '')
  home = await mkdtemp(join(tmpdir(), 'outrider-hostile-'))
  cacheDirectory = join(home, 'cache')
  store = join(cacheDirectory, 'models--some--model')
  await writeFile(join(home, 'profile'), own)
  hubs = []
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await Promise.all(hubs.map((hub) => hub.close()))
  await rm(home, { recursive: true, force: true })
})

type Lie = NonNullable<NonNullable<Parameters<typeof testHub>[2]>['lie']>
async function start(lie?: Lie, options: { token?: string } = {}): Promise<TestHub> {
  const hub = await testHub(name, files, { ...options, ...(lie ? { lie } : {}) })
  hubs.push(hub)
  return hub
}
const open = ({ endpoint }: TestHub, options: HubOptions = {}) =>
  hubDirectory(name, { endpoint, cacheDirectory, pauses: [1, 1], token: '', stallMilliseconds: 5000, ...options })
const json = (response: ServerResponse, value: unknown, headers: Record<string, string> = {}) => {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
  return true
}
const failure = (work: Promise<unknown>): Promise<OutriderError> =>
  work.then(
    () => expect.fail('it succeeded'),
    (error: OutriderError) => {
      expect(error).toBeInstanceOf(OutriderError)
      return error
    },
  )
/** Everything that is in the user's home, apart from the cache. */
async function expectHomeUntouched() {
  expect((await readdir(home)).filter((file) => file !== 'cache')).toEqual(['profile'])
  expect((await lstat(join(home, 'profile'))).isFile()).toBe(true)
  expect(await readFile(join(home, 'profile'), 'utf8')).toBe(own)
}

describe('a hub that lies about what becomes a path', () => {
  it.each([
    '../../../profile',
    `../${commit}`,
    'main',
    '',
    commit.toUpperCase(),
    `${commit}/..`,
    `${commit}\n`,
    42,
    undefined,
    null,
  ])('is refused with the commit %j, and nothing is written', async (sha) => {
    const hub = await start((path, response) => path === infoPath && json(response, { sha }))
    expect(await failure(open(hub))).toMatchObject({
      code: 'FILE_FORMAT',
      message: expect.stringContaining('at commit'),
    })
    expect(await readdir(home)).toEqual(['profile'])
  })

  it.each([
    '../../../../profile',
    '/etc/hostname',
    'a/../../b',
    'a//b',
    './config.json',
    'a\\b',
    'c:file',
    'a\0b',
    'a\u001b[2Jb',
    '\ud800.json',
    '',
    7,
  ])('is refused with a file named %j, and nothing is written', async (path) => {
    const entries = [...listed, { ...listed[0]!, path }]
    const hub = await start((asked, response) => asked === treePath && json(response, entries))
    expect(await failure(open(hub))).toMatchObject({
      code: 'FILE_FORMAT',
      message: expect.stringContaining('a file named'),
    })
    expect(await readdir(home)).toEqual(['profile'])
  })

  it.each([
    ['oid', { oid: '../../../profile' }],
    ['oid', { oid: 'main' }],
    ['oid', { oid: ['a'] }],
    ['lfs.oid', { lfs: { oid: '../../../profile', size: own.length } }],
    ['lfs.oid', { lfs: { oid: 'a'.repeat(40), size: own.length } }],
    ['size', { size: -1 }],
    ['size', { size: 1.5 }],
    ['size', { size: '22' }],
    ['size', { size: 2 ** 60 }],
  ])('is refused with a %s that is none: %j', async (_, part) => {
    const entries = [{ type: 'file', path: 'config.json', size: own.length, oid: 'b'.repeat(40), ...part }]
    const hub = await start((path, response) => path === treePath && json(response, entries))
    expect(await failure(open(hub))).toMatchObject({ code: 'FILE_FORMAT' })
    expect(await readdir(home)).toEqual(['profile'])
  })

  it.each(['none', [], 7, null, {}, [null], [7], [[]]])(
    'gives no list with %j, and no error without a type',
    async (value) => {
      const hub = await start((path, response) => path === treePath && json(response, value))
      const files = await open(hub).catch((error: unknown) => error)
      if (files instanceof Error)
        expect(files).toMatchObject({ code: 'NETWORK', message: expect.stringContaining('not in the cache') })
      else expect(await (files as Awaited<ReturnType<typeof open>>).list()).toEqual([])
    },
  )

  it('cannot have a file in the place of a folder', async () => {
    const [entry] = listed
    const hub = await start(
      (path, response) => path === treePath && json(response, [entry, { ...entry!, path: 'config.json/x' }]),
    )
    const model = await open(hub)
    await model.read('config.json')
    expect(await failure(model.read('config.json/x'))).toMatchObject({ code: 'FILE_WRITE' })
  })

  it('cannot fill the disk', async () => {
    const entries = [{ ...listed[1]!, lfs: { oid: 'a'.repeat(64), size: 2 ** 52 } }]
    const hub = await start((path, response) => path === treePath && json(response, entries))
    const model = await open(hub)
    expect(await failure(model.keep!(weights))).toMatchObject({
      code: 'FILE_WRITE',
      message: expect.stringMatching(/disk has \d+ left/),
    })
    expect(hub.requests.some(({ path }) => path.endsWith(weights))).toBe(false)
  })
})

describe('names that are given', () => {
  it.each([
    '../x',
    'a/..',
    '../../x',
    'a/b@..',
    'a/b@../../c',
    'a/b@x/../y',
    'a/b@/etc',
    'a/b@x//y',
    'a/b@.x',
    'a/b@x/',
    'a--b/c',
    'a/b--c',
    'a/b..c',
    'a/b.',
    'a/b.git',
    `a/${'b'.repeat(97)}`,
  ])('are not %s', async (id) => {
    expect(parseHubId(id)).toBeUndefined()
    for (const offline of [true, false])
      expect(await failure(hubDirectory(id, { cacheDirectory, offline }))).toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it.each(['ftp://host', 'file:///etc', 'host', 'https://user:secret@host', 'https://host/?a=b'])(
    'are not the endpoint %s',
    async (endpoint) => {
      const error = await failure(hubDirectory(name, { endpoint, cacheDirectory }))
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' })
      expect(error.message).not.toContain('secret')
    },
  )

  it('are not a token that no header can carry, which is not repeated', async () => {
    const error = await failure(
      hubDirectory(name, { endpoint: 'http://127.0.0.1:9', cacheDirectory, token: 'hf_gehëim' }),
    )
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(error.message).not.toContain('hf_')
  })
})

describe('links in the cache that lead out of it', () => {
  const snapshot = () => join(store, 'snapshots', commit)
  const link = async (target: string, path: string) => {
    await mkdir(dirname(path), { recursive: true })
    await symlink(target, path)
  }

  it('are not read through, offline', async () => {
    await mkdir(join(store, 'refs'), { recursive: true })
    await writeFile(join(store, 'refs', 'main'), commit)
    await link(join(home, 'profile'), join(snapshot(), 'config.json'))
    const model = await hubDirectory(name, { cacheDirectory, offline: true })
    for (const read of ['read', 'readText', 'size', 'has'] as const)
      expect(await failure(model[read]('config.json')), read).toMatchObject({
        code: 'FILE_FORMAT',
        message: expect.stringContaining('out of the cache'),
      })
    for (const write of [() => model.write('x', ''), () => model.append('x', ''), () => model.remove('config.json')])
      expect(await failure(write())).toMatchObject({ code: 'FILE_WRITE' })
  })

  it.each(['../../..', '../../../..', 'main', '', '/etc'])('nor does a ref lead out that says %j', async (text) => {
    await mkdir(join(store, 'refs'), { recursive: true })
    await writeFile(join(store, 'refs', 'main'), text)
    expect(await failure(hubDirectory(name, { cacheDirectory, offline: true }))).toMatchObject({ code: 'NETWORK' })
  })

  it('a ref that is no file is none', async () => {
    await mkdir(join(store, 'refs', 'main'), { recursive: true })
    expect(await failure(hubDirectory(name, { cacheDirectory, offline: true }))).toMatchObject({ code: 'NETWORK' })
  })

  it('a snapshot that is a link is not listed', async () => {
    await mkdir(join(home, 'elsewhere'))
    await writeFile(join(home, 'elsewhere', 'config.json'), '{}')
    await link(join(home, 'elsewhere'), snapshot())
    const read = hubDirectory(`${name}@${commit}`, { cacheDirectory, offline: true })
    expect(await failure(read)).toMatchObject({ code: 'FILE_FORMAT' })
    await rm(join(home, 'elsewhere'), { recursive: true })
  })

  it('are replaced where the file is downloaded, and what they led to stays', async () => {
    const entry = listed[0]!
    const same = Buffer.alloc(entry.size, 'x')
    await writeFile(join(home, 'same-size'), same)
    await link(join(home, 'same-size'), join(snapshot(), 'config.json'))
    await link(join(home, 'same-size'), join(store, 'blobs', entry.oid))
    await link(join(home, 'same-size'), join(store, 'blobs', `${entry.oid}.incomplete`))
    expect(files['config.json'].equals(await (await open(await start())).read('config.json'))).toBe(true)
    expect(await readFile(join(home, 'same-size'))).toEqual(same)
    expect(await readlink(join(snapshot(), 'config.json'))).toBe(join('..', '..', 'blobs', entry.oid))
    await rm(join(home, 'same-size'))
    await expectHomeUntouched()
  })

  it.each(['snapshots', 'blobs', 'refs', '.'])('are not written through where %s is one', async (folder) => {
    await mkdir(join(home, 'elsewhere'))
    await link(join(home, 'elsewhere'), join(store, folder))
    const model = await open(await start())
    expect(await failure(model.read('config.json'))).toMatchObject({ code: 'FILE_FORMAT' })
    expect(await readdir(join(home, 'elsewhere'))).toEqual([])
  })
})

describe('the token', () => {
  const token = 'hf_secret'
  const authorizations = (hub: TestHub) => hub.requests.map(({ authorization }) => authorization)

  it.each([301, 302, 303, 307, 308])(
    'goes to no other port by a redirect of status %i, nor back from there',
    async (status) => {
      const storage = await start()
      const hub = await start(
        (path, response) => {
          if (!path.includes('/resolve/')) return false
          response.writeHead(status, { location: `${storage.endpoint}${path}` }).end()
          return true
        },
        { token },
      )
      const model = await open(hub, { token })
      expect(files[weights].equals(await model.read(weights))).toBe(true)
      expect(authorizations(hub)).toEqual(authorizations(hub).map(() => `Bearer ${token}`))
      expect(authorizations(storage)).toEqual([undefined])
    },
  )

  it('goes with a redirect that stays, as that of a model with a new name', async () => {
    const hub = await start(
      (path, response) => {
        if (!path.includes('old/model')) return false
        response.writeHead(307, { location: path.replace('old/model', name) }).end()
        return true
      },
      { token },
    )
    const model = await hubDirectory('old/model', { endpoint: hub.endpoint, cacheDirectory, token, pauses: [] })
    expect(await model.readText('config.json')).toBe(String(files['config.json']))
    expect(authorizations(hub)).toEqual(Array(6).fill(`Bearer ${token}`))
  })

  it('goes nowhere by the link to a next page', async () => {
    const other = await start()
    const hub = await start(
      (path, response) =>
        path === treePath && json(response, listed, { link: `<${other.endpoint}${treePath}?cursor=2>; rel="next"` }),
    )
    expect(await failure(open(hub, { token }))).toMatchObject({
      code: 'FILE_FORMAT',
      message: expect.stringContaining('goes on at'),
    })
    expect(other.requests).toEqual([])
  })

  it('is not sent to a place that is no http address, nor from https to http', async () => {
    const asked: string[] = []
    const to =
      (location: string): typeof fetch =>
      async (url) => {
        asked.push(String(url))
        return new Response(null, { status: 302, headers: { location } })
      }
    for (const location of [
      'http://secure.test/x',
      'file:///etc/passwd',
      'data:application/json,{}',
      'https://a:b@c/',
      'http://[',
    ])
      expect(
        await failure(
          hubDirectory(name, {
            endpoint: 'https://secure.test',
            cacheDirectory,
            token,
            fetch: to(location),
            pauses: [],
          }),
        ),
      ).toMatchObject({ code: 'NETWORK' })
    expect(asked).toHaveLength(5)
  })
})

describe('an answer without an end', () => {
  it('of pages is left', async () => {
    let page = 0
    const hub = await start(
      (path, response) =>
        path === treePath &&
        json(response, [], { link: `<http://${response.req.headers.host}${treePath}?cursor=${page++}>; rel="next"` }),
    )
    expect(await failure(open(hub, { pauses: [] }))).toMatchObject({
      code: 'NETWORK',
      message: expect.stringContaining('pages'),
    })
    expect(page).toBe(200)
  })

  it('of one page after another joins what is in them', async () => {
    const hub = await start((path, response, { url }) => {
      if (path !== treePath) return false
      if (url!.includes('cursor')) return json(response, listed.slice(1))
      return json(response, listed.slice(0, 1), { link: `<${treePath}?cursor=x>; rel="next"` })
    })
    expect(await (await open(hub)).list()).toEqual(['config.json', weights])
  })

  it('of redirects is left', async () => {
    const hub = await start((path, response) => {
      response.writeHead(302, { location: path }).end()
      return true
    })
    expect(await failure(open(hub, { pauses: [] }))).toMatchObject({
      message: expect.stringContaining('redirects more than'),
    })
  })

  it.each([infoPath, treePath])('of bytes is left, at %s', async (endless) => {
    const hub = await start((path, response) => {
      if (path !== endless) return false
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(2 ** 20, ' ')));
      }
      response.writeHead(200).on('drain', more)
      more()
      return true
    })
    expect(await failure(open(hub, { pauses: [] }))).toMatchObject({
      code: 'NETWORK',
      message: expect.stringContaining('longer than any'),
    })
  })

  it('that drips is left', async () => {
    const timers: ReturnType<typeof setInterval>[] = []
    const hub = await start((path, response) => {
      if (path !== treePath) return false
      timers.push(setInterval(() => response.write(' '), 20))
      return true
    })
    expect(await failure(open(hub, { pauses: [], stallMilliseconds: 100 }))).toMatchObject({ code: 'NETWORK' })
    timers.forEach(clearInterval)
  })

  it.each([200, 401, 404, 500])('of silence is left, after status %i', async (status) => {
    const hub = await start((path, response) => {
      if (path !== treePath) return false
      response.writeHead(status).write('[')
      return true
    })
    const error = await failure(open(hub, { pauses: [], stallMilliseconds: 200 }))
    expect(error.code).toBe(status === 401 || status === 404 ? 'FILE_MISSING' : 'NETWORK')
  })

  it('of a file is left where nothing comes any more, and gone on with', async () => {
    const hub = await start()
    hub.troubles.push((_, response, whole) => {
      response.write(whole.subarray(0, 50_000))
      return true
    })
    const model = await open(hub, { stallMilliseconds: 300 })
    expect(files[weights].equals(await model.read(weights))).toBe(true)
    expect(hub.requests.at(-1)!.range).toBe('bytes=50000-')
  })
})

describe('no progress', () => {
  const downloads = (hub: TestHub) => hub.requests.filter(({ path }) => path.endsWith(weights)).length
  const cut = (response: ServerResponse, bytes: Uint8Array) => {
    response.write(bytes, () => response.destroy())
    return true
  }

  it('is a server that begins anew and breaks off again and again', async () => {
    const hub = await start()
    for (let i = 0; i < 20; i++) hub.troubles.push((_, response, whole) => cut(response, whole.subarray(0, 100_000)))
    expect(await failure((await open(hub)).read(weights))).toMatchObject({ code: 'NETWORK' })
    expect(downloads(hub)).toBe(3)
  })

  it('is one that sends a byte each time', async () => {
    const hub = await start()
    for (let i = 0; i < 20; i++)
      hub.troubles.push(({ headers }, response, whole) => {
        const at = Number(/bytes=(\d+)/.exec(headers.range ?? '')?.[1] ?? 0)
        response.writeHead(at > 0 ? 206 : 200, { 'content-range': `bytes ${at}-${whole.length - 1}/${whole.length}` })
        return cut(response, whole.subarray(at, at + 1))
      })
    expect(await failure((await open(hub)).read(weights))).toMatchObject({ code: 'NETWORK' })
    expect(downloads(hub)).toBe(3)
  })

  it('is a part that is empty, or another than was asked for', async () => {
    for (const header of ['bytes 7-199999/200000', 'bytes */200000', undefined]) {
      const hub = await start()
      hub.troubles.push((_, response, whole) => cut(response, whole.subarray(0, 1000)))
      for (let i = 0; i < 20; i++)
        hub.troubles.push((_, response) => {
          response.writeHead(206, header === undefined ? {} : { 'content-range': header }).end()
          return true
        })
      expect(await failure((await open(hub)).read(weights))).toMatchObject({ code: 'NETWORK' })
      expect(downloads(hub)).toBe(3)
      await rm(cacheDirectory, { recursive: true })
    }
  })

  it('loses nothing: what has come stays where the server begins anew and breaks off earlier', async () => {
    const hub = await start()
    hub.troubles.push(
      (_, response, whole) => cut(response, whole.subarray(0, 150_000)),
      (_, response, whole) => cut(response, whole.subarray(0, 10_000)),
    )
    expect(files[weights].equals(await (await open(hub)).read(weights))).toBe(true)
    expect(hub.requests.at(-1)!.range).toBe('bytes=150000-')
  })
})

describe('a part of a large file', () => {
  const large = 'large.safetensors'
  const bytes = Buffer.alloc(2 ** 25 + 8, 'weights ')
  const part = { start: 1_000_003, end: 1_000_011 }
  const openLarge = async (...troubles: TestHub['troubles']) => {
    const hub = await testHub(name, { [large]: bytes })
    hubs.push(hub)
    hub.troubles.push(...troubles)
    return open(hub, { pauses: [1] })
  }

  it('is all that is read, and where the server sends more, no more is waited for', async () => {
    const model = await openLarge(
      () => false,
      (_, response, whole) => {
        response.write(whole.subarray(0, 2_000_000))
        return true
      },
    )
    for (let i = 0; i < 2; i++) expect(String(Buffer.from(await model.read(large, part)))).toBe('ghts wei')
    expect(await readdir(home)).toEqual(['profile'])
  })

  it('is not taken from elsewhere in the file, nor cut short', async () => {
    const wrong = (start: number, length: number): TestHub['troubles'][number] => {
      return (_, response, whole) => {
        response.writeHead(206, { 'content-range': `bytes ${start}-${start + length - 1}/${whole.length}` })
        response.end(whole.subarray(start, start + length))
        return true
      }
    }
    for (const lie of [wrong(0, 8), wrong(part.start, 7), wrong(part.start, 0)])
      expect(await failure((await openLarge(lie, lie)).read(large, part))).toMatchObject({ code: 'NETWORK' })
  })
})
