import { describe, expect, it } from 'vitest'
import {
  eachInItsHome,
  failure,
  files,
  infoPath,
  json,
  listed,
  open,
  start,
  treePath,
  weights,
} from './hostile-hub.fixture'

eachInItsHome()

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
