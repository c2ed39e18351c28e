import { createHash } from 'node:crypto'
import { Hono } from 'hono'
import { expect, it } from 'vitest'
import { createServer } from '../create-server'
import { tinyChat } from '../server.fixture'
import { servePage } from './serve-page'

const page = async () => {
  const app = new Hono()
  servePage(app)
  const response = await app.request('/')
  return { html: await response.text(), policy: response.headers.get('content-security-policy')! }
}

it('may run and style what it bears, by its hash, and ask its own server: nothing else', async () => {
  const { html, policy } = await page()
  const directives = Object.fromEntries(
    policy.split('; ').map((directive) => [directive.split(' ')[0], directive.slice(directive.indexOf(' ') + 1)]),
  )
  for (const element of ['style', 'script']) {
    const [first, ...others] = [...html.matchAll(new RegExp(`<${element}[^>]*>([^]*?)</${element}>`, 'g'))]
    expect(others).toEqual([])
    expect(directives[`${element}-src`]).toBe(`'sha256-${createHash('sha256').update(first![1]!).digest('base64')}'`)
  }
  expect(directives).toMatchObject({ 'default-src': "'none'", 'connect-src': "'self'", 'frame-ancestors': "'none'" })
  expect(policy).not.toMatch(/unsafe|https?:|\*/)
  // What a policy of hashes would refuse in silence.
  expect(html).not.toMatch(/ on\w+=| style=|https?:\/\/|innerHTML|<base|@import/)
})

it('is there without a key, which what it asks takes, and only where it is wanted', async () => {
  const server = createServer({ target: await tinyChat(), warmUp: false, apiKey: 'a-long-secret', page: true })
  expect([(await server.app.request('/')).status, (await server.app.request('/v1/models')).status]).toEqual([200, 401])
  await server.close()
  const without = createServer({ target: await tinyChat(), warmUp: false })
  expect((await without.app.request('/')).status).toBe(404)
  await without.close()
})
