import { connect, type Socket } from 'node:net'
import { testDevice } from '@outrider/tensor/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ListeningServer } from './node/start-server'
import { chatServer, eventually, post, stories } from './server.fixture'

let server: ListeningServer
let held: number
const errors: unknown[] = []

beforeAll(async () => {
  // Without an end token, long answers are long.
  const target = { ...(await stories()), generationConfig: { eosTokenIds: [] } }
  server = await chatServer({
    target,
    name: 'stories',
    maxBodyBytes: 50_000,
    stallMilliseconds: 300,
    onError: (error) => errors.push(error),
  })
  held = (await testDevice()).memory.liveBytes
})
afterAll(() => server.close())

const body = (more: object = {}) => JSON.stringify({ prompt: 'Once', max_tokens: 4, temperature: 0, ...more })
const request = (text: string, headers = '') =>
  `POST /v1/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${headers || `content-length: ${Buffer.byteLength(text)}\r\n`}\r\n${text}`

async function open(): Promise<{ socket: Socket; received: () => string; closed: Promise<void> }> {
  const { port } = new URL(server.url)
  let received = ''
  const socket = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true })
  socket.on('data', (data) => (received += data))
  socket.on('error', () => {}) // a server may reset what it does not like
  const closed = new Promise<void>((resolve) => {
    socket.on('end', () => resolve())
    socket.on('close', () => resolve())
  })
  await new Promise((resolve) => socket.once('connect', resolve))
  return { socket, received: () => received, closed }
}

async function isAsAbleAsBefore() {
  const device = await testDevice()
  await eventually('nothing runs', () => server.engine.running + server.engine.waiting === 0)
  await eventually('the device holds what it held before', () => device.memory.liveBytes === held)
  expect((await post(server, '/v1/completions', body())).json().usage.completion_tokens).toBe(4)
}

describe('a client that', () => {
  it('closes its half of the connection in the middle of its request is told that this is none', async () => {
    const { socket, received, closed } = await open()
    socket.end(request('{"prompt":', 'content-length: 5000\r\n'))
    await closed
    expect(received()).toMatch(/^HTTP\/1\.1 400/)
    await isAsAbleAsBefore()
  })

  it('closes its half of the connection while it waits has left, for all that a server can see', async () => {
    const { socket, received, closed } = await open()
    socket.write(request(body({ max_tokens: 500 })))
    await eventually('it runs', () => server.engine.running === 1)
    socket.end()
    await closed
    expect(received()).toBe('')
    await isAsAbleAsBefore()
  })

  it.each([
    ['of a known length', request('{"prompt":', 'content-length: 5000\r\n')],
    ['in chunks', request('9\r\n{"prompt"\r\n', 'transfer-encoding: chunked\r\n')],
    ['behind another', request(body()) + request('{"prompt":', 'content-length: 5000\r\n')],
  ])(
    'goes away in the middle of its request, %s, leaves nothing behind and is no failure of the server',
    async (_, bytes) => {
      const { socket } = await open()
      const before = errors.length
      socket.write(bytes)
      await new Promise((resolve) => setTimeout(resolve, 30))
      socket.destroy()
      await isAsAbleAsBefore()
      expect(errors.slice(before)).toEqual([])
    },
  )

  it('goes away while it waits for a whole answer is not computed for', async () => {
    const { socket } = await open()
    socket.write(request(body({ max_tokens: 500 })))
    await eventually('it runs', () => server.engine.running === 1)
    socket.destroy()
    await isAsAbleAsBefore()
    expect(server.metrics.render()).toMatch(/request_success_total\{.*finished_reason="abort"\} [1-9]/)
  })

  it('sends requests ahead has its answers in their order, one job at a time', async () => {
    const { socket, received } = await open()
    let most = 0
    const watching = setInterval(() => (most = Math.max(most, server.engine.running + server.engine.waiting)), 1)
    socket.write(
      request(body({ max_tokens: 9 })) +
        request(body({ max_tokens: 1, stream: true })) +
        'GET /v1/nothing HTTP/1.1\r\nhost: localhost\r\n\r\n' +
        request('{}') +
        request('{}', 'content-length: 999999\r\n').slice(0, -2) +
        body({ max_tokens: 2 }),
    )
    await eventually('the last is refused', () => received().includes('body_too_large'))
    clearInterval(watching)
    expect(most).toBe(1)
    expect(received().match(/HTTP\/1\.1 \d+|"completion_tokens":\d+|\[DONE\]/g)).toEqual([
      'HTTP/1.1 200',
      '"completion_tokens":9',
      'HTTP/1.1 200',
      '[DONE]',
      'HTTP/1.1 404',
      'HTTP/1.1 400',
      'HTTP/1.1 413',
    ])
    socket.destroy()
    await isAsAbleAsBefore()
  })

  it.each([
    ['whole answers', {}],
    ['streams', { stream: true }],
  ])('sends a hundred requests ahead and goes away takes all of them along: %s', async (_, more) => {
    const { socket } = await open()
    const before = errors.length
    socket.write(request(body({ max_tokens: 500, ...more })).repeat(100))
    await eventually('it runs', () => server.engine.running === 1)
    socket.destroy()
    await eventually('nothing runs', () => server.engine.running + server.engine.waiting === 0)
    expect(errors.slice(before)).toEqual([])
    await isAsAbleAsBefore()
  })

  it('sends more ahead than any client would is cut off', async () => {
    const { socket, closed } = await open()
    socket.write(request(body({ max_tokens: 500 })).repeat(300))
    await closed
    await isAsAbleAsBefore()
  })

  it('reads nothing of a stream keeps nobody waiting', async () => {
    const { socket } = await open()
    socket.pause()
    socket.write(request(body({ stream: true, max_tokens: 300 })))
    await eventually('it runs', () => server.engine.running === 1)
    const others = await Promise.all([1, 2, 3].map((seed) => post(server, '/v1/completions', body({ seed }))))
    expect(others.map(({ status }) => status)).toEqual([200, 200, 200])
    await isAsAbleAsBefore()
    socket.destroy()
  })

  it('reads a stream slowly gets all of it', async () => {
    const { socket, received, closed } = await open()
    socket.write(
      request(
        body({ stream: true, max_tokens: 12 }),
        `content-length: ${body({ stream: true, max_tokens: 12 }).length}\r\nconnection: close\r\n`,
      ),
    )
    const pacing = setInterval(() => {
      socket.pause()
      setTimeout(() => socket.resume(), 15)
    }, 30)
    await closed
    clearInterval(pacing)
    expect(received().match(/^data: \{.*"text":"[^"]+"/gm)!.length).toBeGreaterThan(5)
    expect(received()).toContain('data: [DONE]')
    await isAsAbleAsBefore()
  })

  it.each([
    ['sends what is not HTTP', 'hello\r\n\r\n', /^HTTP\/1\.1 400/],
    ['sends headers without end', `GET / HTTP/1.1\r\nx: ${'a'.repeat(40_000)}\r\n\r\n`, /^HTTP\/1\.1 431/],
    [
      'announces a body past the limit',
      request('{', 'content-length: 999999999999\r\n'),
      /^HTTP\/1\.1 413 .*body_too_large/s,
    ],
    [
      'sends a body past the limit in chunks',
      request(`ffff\r\n${'a'.repeat(0xffff)}\r\n0\r\n\r\n`, 'transfer-encoding: chunked\r\n'),
      /^HTTP\/1\.1 413 .*body_too_large/s,
    ],
    ['sends two lengths', request('{}', 'content-length: 2\r\ncontent-length: 5\r\n'), /^HTTP\/1\.1 400/],
    [
      'sends bytes that are no text',
      request('\xff\xfe{"prompt', 'content-length: 10\r\n'),
      /^HTTP\/1\.1 400 .*not JSON/s,
    ],
    ['asks for a path above the root', 'GET /../../etc/passwd HTTP/1.1\r\nhost: localhost\r\n\r\n', /^HTTP\/1\.1 404/],
    ['nests JSON a hundred thousand deep', request('['.repeat(49_000)), /^HTTP\/1\.1 400/],
  ])('%s is told so', async (_, bytes, answer) => {
    const { socket, received } = await open()
    socket.write(bytes, 'latin1')
    await eventually('it is answered', () => answer.test(received()))
    expect(received()).not.toMatch(/\bat .*\.[tj]s:\d|node_modules/)
    socket.destroy()
    await isAsAbleAsBefore()
  })
})

describe('a server that is full', () => {
  it('refuses the next with 429 and when to come again, and is free again when some have left', async () => {
    const target = { ...(await stories()), generationConfig: { eosTokenIds: [] } }
    const small = await chatServer({ target, name: 'stories', concurrency: 1, queueLimit: 1 })
    const controllers = [new AbortController(), new AbortController()]
    const kept = controllers.map(({ signal }) =>
      fetch(`${small.url}/v1/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: body({ max_tokens: 500 }),
        signal,
      }).catch(() => undefined),
    )
    await eventually('it is full', () => small.engine.running === 1 && small.engine.waiting === 1)
    const { status, headers, json } = await post(small, '/v1/completions', body())
    expect(status).toBe(429)
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    expect(json().error).toMatchObject({ type: 'rate_limit_error', code: 'queue_full' })
    for (const controller of controllers) controller.abort()
    await Promise.all(kept)
    await eventually('it is empty', () => small.engine.running + small.engine.waiting === 0)
    expect((await post(small, '/v1/completions', body())).status).toBe(200)
    await small.close()
  })

  it('is stopped although a client has sent half a request, and another keeps its connection', async () => {
    const stopping = await chatServer({ target: await stories(), name: 'stories' })
    await post(stopping, '/v1/completions', body())
    const { port } = new URL(stopping.url)
    for (const half of ['POST /v1/comp', request('{"prompt":', 'content-length: 5000\r\n')])
      await new Promise<void>((resolve) => {
        const socket = connect(Number(port), '127.0.0.1', () => socket.write(half, () => resolve()))
        socket.on('error', () => {})
      })
    await new Promise((resolve) => setTimeout(resolve, 50))
    await stopping.close()
  }, 10_000)

  it('is stopped in its time although answers are long, nobody reads one, and others wait behind it', async () => {
    const target = { ...(await stories()), generationConfig: { eosTokenIds: [] } }
    const stopping = await chatServer({ target, name: 'stories', graceMilliseconds: 100 })
    const socket = connect(Number(new URL(stopping.url).port), '127.0.0.1')
    socket.on('error', () => {})
    socket.pause()
    socket.write(request(body({ stream: true, max_tokens: 500 })).repeat(20))
    const long = post(stopping, '/v1/completions', body({ stream: true, max_tokens: 500 }))
    await eventually('both run', () => stopping.engine.running === 2)
    await stopping.close()
    expect((await long).text).toMatch(
      /data: \{"error":\{"message":"The server is stopping[^\n]*\n\ndata: \[DONE\]\n\n$/,
    )
  }, 10_000)

  it('is stopped: what runs is finished, what waits is refused, and the port is free', async () => {
    const stopping = await chatServer({ target: await stories(), name: 'stories', concurrency: 1 })
    const [running, waiting] = [1, 2].map(() => post(stopping, '/v1/completions', body({ max_tokens: 40 })))
    await eventually('one runs, one waits', () => stopping.engine.running === 1 && stopping.engine.waiting === 1)
    const closed = stopping.close()
    expect((await waiting!).status).toBe(503)
    expect((await running!).json().choices[0].finish_reason).toMatch(/stop|length/)
    await closed
    await expect(fetch(`${stopping.url}/health`)).rejects.toThrow()
  })
})
