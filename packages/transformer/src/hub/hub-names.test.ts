import { readdir } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import {
  cacheDirectory,
  eachInItsHome,
  failure,
  home,
  infoPath,
  json,
  listed,
  name,
  open,
  own,
  start,
  treePath,
  weights,
} from './hostile-hub.fixture'
import { commit } from './hub.fixture'
import { hubDirectory } from './hub-directory'
import { parseHubId } from './hub-id'

eachInItsHome()

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
