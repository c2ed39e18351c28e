import { Hono } from 'hono'
import { afterEach, describe, expect, it } from 'vitest'
import { createServer } from '../create-server'
import type { ListeningServer } from '../node/start-server'
import { chatServer, eventually, post, shallow, tinyChat } from '../server.fixture'
import { logLine, type RequestLogEntry } from './request-log'

const messages = [{ role: 'user', content: 'Hello.' }]
const chat = '/v1/chat/completions'
const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

const servers: ListeningServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function logging(options: Parameters<typeof chatServer>[0] = {}) {
  const log: RequestLogEntry[] = []
  const server = await chatServer({ ...options, onRequest: (entry) => log.push(entry) })
  servers.push(server)
  return { server, log }
}

describe('the log of requests', () => {
  it('has one entry for each, with its figures, whole or streamed, answered or refused', async () => {
    const target = await tinyChat()
    const { server, log } = await logging({ drafter: shallow(target, 9), draftLength: 3 })
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
    const greedy = { messages, temperature: 0, max_tokens: 12 }
    const headers = { 'x-request-id': 'mine-1', traceparent: `00-${trace}-00f067aa0ba902b7-01` }
    const whole = await post(server, chat, greedy, headers)
    expect(whole.headers.get('x-request-id')).toBe('mine-1')
    const { usage, metrics } = whole.json()
    expect(log[0]).toMatchObject({
      ...{ id: 'mine-1', trace_id: trace, method: 'POST', path: chat, status: 200 },
      prompt_tokens: usage.prompt_tokens,
      cached_tokens: 0,
      generated_tokens: usage.completion_tokens,
      finish_reason: whole.json().choices[0].finish_reason,
    })
    expect(log[0]!.block_efficiency).toBeCloseTo(metrics.speculative_decoding.block_efficiency, 2)
    expect(log[0]!.first_token_seconds).toBeGreaterThan(0)
    expect(log[0]!.first_token_seconds).toBeLessThan(log[0]!.seconds)
    expect(log[0]!.tokens_per_second).toBeGreaterThan(0)
    const streamed = await post(
      server,
      chat,
      { ...greedy, stream: true, draft_length: 0 },
      { 'x-request-id': 'no good\u00e9' },
    )
    expect(streamed.headers.get('x-request-id')).toMatch(/^req_[\da-f]{32}$/)
    await eventually('the stream is told of', () => log.length === 2)
    expect(log[1]).toMatchObject({ stream: true, status: 200, generated_tokens: usage.completion_tokens })
    expect(log[1]).not.toHaveProperty('block_efficiency')
    await post(server, chat, { messages: 5 })
    expect(log[2]).toMatchObject({ status: 400 })
    expect(log[2]).not.toHaveProperty('generated_tokens')
    await fetch(`${server.url}/health`)
    await post(server, '/v1/embeddings', { input: 'Mira' })
    expect(log[3]).toMatchObject({ path: '/v1/embeddings', prompt_tokens: 2 })
    expect(log).toHaveLength(4)
    expect(logLine(log[2]!)).toMatch(/^\d{4}-.+Z POST \/v1\/chat\/completions 400 id=req_\w+ seconds=[\d.e-]+$/)
  })

  it('says 499 of who left in the middle, once', async () => {
    const target = { ...(await tinyChat()), generationConfig: { eosTokenIds: [] } }
    const { server, log } = await logging({ target })
    for (const stream of [true, false]) {
      const leaving = new AbortController()
      const body = { prompt: 'Mira', max_tokens: 100, stream, temperature: 1 }
      const answer = post(server, '/v1/completions', body, {}, leaving.signal).catch(() => {})
      await eventually('it runs', () => server.engine.running === 1)
      leaving.abort()
      await answer
      await eventually('it is told of', () => log.length === (stream ? 1 : 2))
      expect(log.at(-1)).toMatchObject({ status: 499, finish_reason: 'abort' })
    }
  })
})

describe('several keys', () => {
  it('have names, which the log and the metrics show, and limits of their own', async () => {
    const target = { ...(await tinyChat()), generationConfig: { eosTokenIds: [] } }
    const apiKeys = { mira: 'a-long-secret', tomo: 'another-secret' }
    const { server, log } = await logging({ target, apiKeys, requestsPerKey: 1 })
    const ask = (key: string, more: object) => post(server, '/v1/completions', { prompt: 'Mira', ...more }, bearer(key))
    const long = ask('a-long-secret', { max_tokens: 100, stream: true })
    await eventually('it runs', () => server.engine.running === 1)
    const metrics = await (await fetch(`${server.url}/metrics`, { headers: bearer('another-secret') })).text()
    expect(metrics).toMatch(/outrider:key_requests_open\{.*key="mira"\} 1\n/)
    const refused = await ask('a-long-secret', { max_tokens: 1 })
    expect([refused.status, refused.json().error.code]).toEqual([429, 'key_limit'])
    expect(refused.headers.get('retry-after')).toBe('1')
    expect((await ask('another-secret', { max_tokens: 1 })).status).toBe(200)
    expect((await ask('a third', { max_tokens: 1 })).status).toBe(401)
    await long
    await eventually('the stream is told of', () => log.some(({ stream }) => stream))
    expect((await ask('a-long-secret', { max_tokens: 1 })).status).toBe(200)
    expect(log.map(({ key }) => key)).toEqual(expect.arrayContaining(['mira', 'tomo', undefined]))
    expect(JSON.stringify(log)).not.toContain('secret')
  })

  it('are refused where two names have the same, or one is empty', async () => {
    await expect(chatServer({ apiKeys: { a: 'x', b: 'x' } })).rejects.toThrow('"a" and "b" have the same API key')
    await expect(chatServer({ apiKeys: { a: ' ' } })).rejects.toThrow('"a" is empty')
  })
})

describe('readiness and liveness', () => {
  it('are two: a server that warms up, or stops, lives and is not ready', async () => {
    const server = createServer({ target: await tinyChat(), warmUp: true, concurrency: 1 })
    const app = new Hono().route('/', server.app)
    const status = async (path: string) => (await app.request(path)).status
    expect([await status('/health'), await status('/ready')]).toEqual([200, 503])
    await server.ready
    expect([await status('/health'), await status('/ready')]).toEqual([200, 200])
    const closed = server.close()
    expect([await status('/health'), await status('/ready')]).toEqual([200, 503])
    await closed
  })

  it('are had without a key, with the metrics, on a port of their own', async () => {
    const { server } = await logging({ apiKey: 'a-long-secret', metricsPort: 0 })
    const status = async (url: string) => (await fetch(url)).status
    expect(await status(`${server.url}/metrics`)).toBe(401)
    expect(await status(`${server.url}/ready`)).toBe(200)
    const text = await (await fetch(`${server.metricsUrl}/metrics`)).text()
    expect(text).toContain('vllm:num_requests_running{')
    expect(await status(`${server.metricsUrl}/ready`)).toBe(200)
    expect(await status(`${server.metricsUrl}/v1/models`)).toBe(404)
  })
})
