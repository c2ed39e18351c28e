import { lstat, mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  cacheDirectory,
  eachInItsHome,
  failure,
  files,
  home,
  listed,
  name,
  open,
  own,
  start,
  store,
} from './hostile-hub.fixture'
import { commit } from './hub.fixture'
import { hubDirectory } from './hub-directory'

eachInItsHome()

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

it('a cache that can never be made is said, not waited for', async () => {
  const places = [join(home, 'profile', 'cache'), ...(process.platform === 'linux' ? ['/proc/outrider/cache'] : [])]
  const hub = await start()
  for (const place of places) {
    const model = await open(hub, { cacheDirectory: place })
    expect(await failure(model.read('config.json')), place).toMatchObject({ code: 'FILE_WRITE' })
  }
})

/** Everything that is in the user's home, apart from the cache. */
async function expectHomeUntouched() {
  expect((await readdir(home)).filter((file) => file !== 'cache')).toEqual(['profile'])
  expect((await lstat(join(home, 'profile'))).isFile()).toBe(true)
  expect(await readFile(join(home, 'profile'), 'utf8')).toBe(own)
}
