import { describe, expect, it } from 'vitest'
import {
  cacheDirectory,
  eachInItsHome,
  failure,
  files,
  json,
  listed,
  name,
  open,
  start,
  treePath,
  weights,
} from './hostile-hub.fixture'
import type { TestHub } from './hub.fixture'
import { hubDirectory } from './hub-directory'

eachInItsHome()

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
