import { createDevice, OutriderError } from '@outrider/tensor'
import { nodeAdapter } from '@outrider/tensor/node'
import { type CausalLM, generate, loadCausalLM, type PretrainedModel, pretrainedModel } from '@outrider/transformer'
import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createServer, type OutriderServer, type ServerOptions } from './index'
import { behindAnotherServer, eventually, post, shallow, stories, tinyChat, tinyChatFolder } from './server.fixture'

const messages = [{ role: 'user' as const, content: 'Tell me about a friend of yours.' }]
const chat = '/ai/v1/chat/completions'
const broken = /request_success_total\{.*finished_reason="abort"\} 1/
const long = { prompt: 'Mira', max_tokens: 120, temperature: 2, seed: 1 }

const servers: OutriderServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function mountable(options: Partial<ServerOptions> = {}): Promise<OutriderServer> {
  const server = createServer({ target: await tinyChat(), warmUp: false, ...options })
  servers.push(server)
  return server
}

/** Somebody's app: it knows who comes, says how it answered, and has pages of its own. */
function mounted(server: OutriderServer): Hono {
  const app = new Hono()
  app.use('/ai/*', cors({ origin: 'https://page.example' }), async (c, next) => {
    if (c.req.header('cookie') !== 'who=mira') return c.text('Who are you?', 403)
    await next()
    c.header('x-answered-by', server.name)
  })
  app.get('/', (c) => c.text('a page'))
  app.route('/ai', server.app)
  app.notFound((c) => c.text('no such page', 404))
  return app
}

const posted = (body: object, more: RequestInit = {}) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', cookie: 'who=mira', origin: 'https://page.example' },
  body: JSON.stringify(body),
  ...more,
})

describe('the app of a server, mounted into an app of one’s own', () => {
  it('answers a conversation below its path, among the middleware of the other', async () => {
    const app = mounted(await mountable({ name: 'friend' }))
    const response = await app.request(chat, posted({ model: 'friend', messages, max_tokens: 9, temperature: 0 }))
    expect(response.status).toBe(200)
    expect(response.headers.get('x-answered-by')).toBe('friend')
    expect(response.headers.get('access-control-allow-origin')).toBe('https://page.example')
    let alone = ''
    for await (const { text } of generate(await tinyChat(), messages, { maxTokens: 9, temperature: 0 })) alone += text
    const { choices, usage } = (await response.json()) as {
      choices: { message: { content: string } }[]
      usage: object
    }
    expect(choices[0]!.message.content).toBe(alone)
    expect(usage).toMatchObject({ completion_tokens: 9 })
  })

  it('streams, and says what a draft gained', async () => {
    const target = await tinyChat()
    const app = mounted(await mountable({ drafter: shallow(target, 1), draftLength: 2 }))
    const response = await app.request(chat, posted({ messages, max_tokens: 8, temperature: 0, stream: true }))
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    const events = (await response.text()).trim().split('\n\n')
    expect(events.at(-1)).toBe('data: [DONE]')
    expect(JSON.parse(events.at(-2)!.slice('data: '.length)).metrics.speculative_decoding).toMatchObject({
      num_spec_tokens: 2,
    })
  })

  it('answers by any models, those that are nothing but a CausalLM, too', async () => {
    const chatting = await tinyChat()
    const ofOurs = ({ model }: PretrainedModel): CausalLM => ({
      device: model.device,
      config: { vocabularySize: model.config.vocabularySize, contextLength: model.config.contextLength },
      parameterCount: model.parameterCount,
      createCache: (options) => model.createCache(options),
      forward: (tokens, options) => model.forward(tokens, options),
      dispose: () => model.dispose(),
    })
    const [target, drafter] = [chatting, shallow(chatting, 1)].map((ours) => pretrainedModel(ofOurs(ours), ours))
    const app = mounted(await mountable({ target: target!, drafter, draftLength: 2 }))
    const { text } = await generate(chatting, messages, { maxTokens: 8, temperature: 0 }).result
    for (const draft_length of [0, 2]) {
      const asked = posted({ messages, max_tokens: 8, temperature: 0, draft_length })
      const { choices } = (await (await app.request(chat, asked)).json()) as {
        choices: { message: { content: string } }[]
      }
      expect(choices[0]!.message.content).toBe(text)
    }
  })

  it('leaves pages, refusals and missing pages to the other app, and has errors of its own as OpenAI has them', async () => {
    const app = mounted(await mountable())
    expect(await (await app.request('/')).text()).toBe('a page')
    expect((await app.request(chat, posted({ messages }, { headers: {} }))).status).toBe(403)
    expect(await (await app.request('/ai/nothing', { headers: { cookie: 'who=mira' } })).text()).toBe('no such page')
    const wrong = await app.request(chat, posted({ messages, temperatur: 1 }))
    expect([wrong.status, await wrong.json()]).toMatchObject([400, { error: { code: 'unknown_parameter' } }])
    const method = await app.request(chat, { headers: { cookie: 'who=mira' } })
    expect([method.status, await method.json()]).toMatchObject([405, { error: { message: `${chat} takes POST.` } }])
  })

  it('computes nothing more for a client that has left, though it knows the request alone', async () => {
    const server = await mountable({ target: await stories() })
    const app = mounted(server)
    const leaving = new AbortController()
    const answer = app.request('/ai/v1/completions', posted(long, { signal: leaving.signal }))
    await eventually('it runs', () => server.figures().running === 1)
    leaving.abort()
    await answer
    await eventually('nothing runs', () => server.figures().running === 0)
    expect(server.metrics.render()).toMatch(broken)
  })

  it.each([false, true])('so in Node, too, behind an HTTP server that is not ours; streaming: %s', async (stream) => {
    const server = await behindAnotherServer()
    const leaving = new AbortController()
    const answer = post(server, '/v1/completions', { ...long, stream }, {}, leaving.signal).catch(() => {})
    await eventually('it runs', () => server.figures().running === 1)
    leaving.abort()
    await answer
    await eventually('nothing runs', () => server.figures().running === 0)
    expect(server.metrics.render()).toMatch(broken)
    await server.close()
  })
})

describe('a server before it is ready', () => {
  it('lets requests wait until all is compiled', async () => {
    const shares: number[] = []
    const server = await mountable({ warmUp: true, concurrency: 2, onWarmUp: (share) => shares.push(share) })
    const order: string[] = []
    void server.ready.then(() => order.push('ready'))
    const response = await mounted(server).request(chat, posted({ messages, max_tokens: 2 }))
    order.push('answered')
    expect(response.status).toBe(200)
    expect(order).toEqual(['ready', 'answered'])
    expect(shares.at(-1)).toBe(1)
  })

  it('says to who waits for it why it cannot be, and to its maker and to clients at each request', async () => {
    const onError = vi.fn()
    const server = await mountable({ warmUp: true, signal: AbortSignal.abort(), onError })
    await expect(server.ready).rejects.toMatchObject({ code: 'ABORTED' })
    const response = await mounted(server).request(chat, posted({ messages }))
    expect(response.status).toBe(500)
    expect(onError).toHaveBeenCalledExactlyOnceWith(expect.any(OutriderError))
  })

  it('can be closed, and leaves nothing on the device', async () => {
    const device = await createDevice({ adapter: nodeAdapter() })
    const target = await loadCausalLM(tinyChatFolder, { device })
    const drafter = shallow(target, 1)
    const held = device.memory.liveBytes
    const server = createServer({ target, drafter })
    const waiting = mounted(server).request(chat, posted({ messages }))
    await eventually('it waits', () => server.figures().waiting === 1)
    await server.close()
    await expect(server.ready).rejects.toMatchObject({ code: 'ABORTED' })
    expect((await waiting).status).toBe(503)
    expect(device.memory.liveBytes).toBe(held)
    device.dispose()
  })
})
