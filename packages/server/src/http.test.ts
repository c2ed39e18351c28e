import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { ListeningServer } from './node/start-server'
import { chatServer, eventually, post, stories, tinyChat } from './server.fixture'

const messages = [{ role: 'user', content: 'Hello.' }]
const chat = '/v1/chat/completions'

let server: ListeningServer
beforeAll(async () => {
  server = await chatServer({ maxBodyBytes: 20_000, corsOrigins: ['https://page.example'] })
})
afterAll(() => server.close())

describe('a request that is wrong', () => {
  it.each<[string, string, unknown, number, RegExp, string | null]>([
    ['no JSON', chat, '{"messages":', 400, /not JSON/, null],
    ['no object', chat, '[1]', 400, /must be a JSON object/, null],
    ['nothing', chat, '', 400, /not JSON/, null],
    ['no messages', chat, {}, 400, /^messages is required\.$/, 'messages'],
    ['messages of another type', chat, { messages: 'Hello' }, 400, /messages must be Array, not "Hello"/, 'messages'],
    ['empty messages', chat, { messages: [] }, 400, /at least one message/, 'messages'],
    [
      'a message without content',
      chat,
      { messages: [{ role: 'user' }] },
      400,
      /content is required\.$/,
      'messages.0.content',
    ],
    [
      'a content that is a number',
      chat,
      { messages: [{ role: 'user', content: 7 }] },
      400,
      /content must be/,
      'messages.0.content',
    ],
    [
      'a role that is none',
      chat,
      { messages: [{ role: 'robot', content: 'x' }] },
      400,
      /role must be/,
      'messages.0.role',
    ],
    [
      'a picture',
      chat,
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] },
      400,
      /content/,
      'messages.0.content.0.type',
    ],
    [
      'a temperature that is a text',
      chat,
      { messages, temperature: 'hot' },
      400,
      /must be number, not "hot"/,
      'temperature',
    ],
    [
      'a weight of a message',
      chat,
      { messages: [{ role: 'user', content: 'x', weight: 0 }] },
      400,
      /weight is not supported/,
      'messages.0.weight',
    ],
    [
      'a message to be continued',
      chat,
      { messages: [...messages, { role: 'assistant', content: 'x', prefix: true }] },
      400,
      /prefix is not supported/,
      'messages.1.prefix',
    ],
    [
      'a part with what nobody knows',
      chat,
      { messages: [{ role: 'user', content: [{ type: 'text', text: 'x', bold: true }] }] },
      400,
      /bold is no field/,
      'messages.0.content.0.bold',
    ],
    [
      'an option of the stream',
      chat,
      { messages, stream: true, stream_options: { include_costs: true } },
      400,
      /no field/,
      'stream_options.include_costs',
    ],
    ['a field that nobody knows', chat, { messages, foo: 1 }, 400, /foo is no field/, 'foo'],
    [
      'another request',
      '/v1/completions',
      { prompt: 'x', max_completion_tokens: 1 },
      400,
      /Use max_tokens/,
      'max_completion_tokens',
    ],
    ['a temperature below 0', chat, { messages, temperature: -0.1 }, 400, /at least 0/, 'temperature'],
    [
      'a temperature without end',
      chat,
      '{"messages":[{"role":"user","content":"x"}],"temperature":1e999}',
      400,
      /finite/,
      'temperature',
    ],
    ['a top_p of 0', chat, { messages, top_p: 0 }, 400, /above 0/, 'top_p'],
    ['a part of a token', chat, { messages, max_tokens: 1.5 }, 400, /whole number/, 'max_tokens'],
    ['no token', chat, { messages, max_completion_tokens: 0 }, 400, /at least 1/, 'max_completion_tokens'],
    ['an empty stop text', chat, { messages, stop: '' }, 400, /must not be empty/, 'stop'],
    ['a stop that is a number', chat, { messages, stop: 5 }, 400, /stop must be/, 'stop'],
    ['a list of stops with a number', chat, { messages, stop: ['a', 5] }, 400, /must be string/, 'stop.1'],
    ['17 stop texts', chat, { messages, stop: Array(17).fill('a') }, 400, /more than 16/, 'stop'],
    ['a seed past all numbers', chat, '{"messages":[{"role":"user","content":"x"}],"seed":1e30}', 400, /seed/, 'seed'],
    ['21 likeliest tokens', chat, { messages, logprobs: true, top_logprobs: 21 }, 400, /at most 20/, 'top_logprobs'],
    ['top_logprobs alone', chat, { messages, top_logprobs: 2 }, 400, /needs logprobs/, 'top_logprobs'],
    ['a stream that is a text', chat, { messages, stream: 'yes' }, 400, /must be boolean/, 'stream'],
    ['a thousand answers', chat, { messages, n: 1000 }, 400, /n must be at most 16, not 1000.*--max-choices/, 'n'],
    ['no answer', chat, { messages, n: 0 }, 400, /at least 1/, 'n'],
    ['a penalty', chat, { messages, presence_penalty: 2.5 }, 400, /at most 2/, 'presence_penalty'],
    ['a penalty', chat, { messages, frequency_penalty: -2.1 }, 400, /at least -2/, 'frequency_penalty'],
    ['a penalty', chat, { messages, repetition_penalty: 0 }, 400, /above 0/, 'repetition_penalty'],
    ['a min_p', chat, { messages, min_p: 1.01 }, 400, /at most 1/, 'min_p'],
    ['a bias', chat, { messages, logit_bias: { 5: 101 } }, 400, /at most 100/, 'logit_bias.5'],
    ['a bias of a word', chat, { messages, logit_bias: { fox: 1 } }, 400, /no id of a token/, 'logit_bias.fox'],
    ['a bias of no token', chat, { messages, logit_bias: { 99999999: 1 } }, 400, /ids below/, 'logit_bias'],
    ['tools without names', chat, { messages, tools: [{ type: 'function' }] }, 400, /is required/, 'tools.0.function'],
    [
      'a grammar',
      chat,
      { messages, response_format: { type: 'grammar', grammar: 'root ::= "x"' } },
      400,
      /"text".*"json_object".*"json_schema"/,
      'response_format.type',
    ],
    ['a draft there is not', chat, { messages, draft_length: 3 }, 400, /no draft/, 'draft_length'],
    ['another model', chat, { messages, model: 'gpt-4' }, 404, /does not exist/, 'model'],
    [
      'a prompt past the context',
      chat,
      { messages: [{ role: 'user', content: 'goat '.repeat(150) }] },
      400,
      /158 tokens; the model's context is 128/,
      'messages',
    ],
    ['no prompt', '/v1/completions', {}, 400, /prompt/, 'prompt'],
    ['an empty prompt list', '/v1/completions', { prompt: [] }, 400, /prompt/, 'prompt'],
    ['more prompts than may wait', '/v1/completions', { prompt: Array(145).fill('a') }, 400, /1 to 144/, 'prompt'],
    ['a list with a number', '/v1/completions', { prompt: ['a', 5] }, 400, /prompt/, 'prompt.0'],
    ['a token that is none', '/v1/completions', { prompt: [1, 99_999] }, 400, /token 99999/, 'prompt'],
    ['an echo of a conversation', chat, { messages, echo: true }, 400, /echo is not supported/, 'echo'],
    ['an answer of nothing', '/v1/completions', { prompt: 'a', max_tokens: 0 }, 400, /at least 1, but/, 'max_tokens'],
    ['too long an answer', chat, { messages, max_tokens: 500 }, 400, /or leave max_tokens out/, 'max_tokens'],
    [
      'a body past the limit',
      chat,
      { messages: [{ role: 'user', content: 'x'.repeat(30_000) }] },
      413,
      /larger than 20000 bytes/,
      null,
    ],
    [
      'no such path',
      '/v1/audio/speech',
      {},
      404,
      /no POST \/v1\/audio\/speech\. This server has \/v1\/chat\/completions, /,
      null,
    ],
  ])(
    '(%s) is refused with its status, and told what is wrong and where',
    async (_, path, body, status, message, param) => {
      const response = await post(server, path, body)
      expect(response.json().error).toMatchObject({ message: expect.stringMatching(message), param })
      expect(response.status).toBe(status)
      expect(response.json().error.type).toBe('invalid_request_error')
      expect(response.text).not.toMatch(/\bat .*\.ts|node_modules/)
    },
  )

  it('by its method is told the right one, by its media type too', async () => {
    const got = await fetch(server.url + chat)
    expect(got.status).toBe(405)
    expect(got.headers.get('allow')).toBe('POST')
    expect((await post(server, '/health', {})).status).toBe(405)
    expect((await post(server, chat, { messages }, { 'content-type': 'text/plain' })).status).toBe(415)
  })

  it('leaves the server as able as before', async () => {
    const { status, json } = await post(server, chat, { messages, max_tokens: 2 })
    expect(status).toBe(200)
    expect(json().usage.completion_tokens).toBe(2)
  })
})

describe('a failure of the server', () => {
  it.each([true, false])(
    'is told as such and no more, streaming: %s; who runs the server hears what it was',
    async (stream) => {
      const { model, ...rest } = await stories()
      const broken = Object.create(model, {
        createCache: {
          value: () => {
            throw new Error('secret of /home/somebody')
          },
        },
      })
      const errors: unknown[] = []
      const failing = await chatServer({
        target: { ...rest, model: broken },
        name: 'stories',
        onError: (error) => errors.push(error),
      })
      const { status, text, json } = await post(failing, '/v1/completions', { prompt: 'Once', stream })
      expect(status).toBe(500)
      expect(json().error).toEqual({
        message: 'The server failed to answer this request.',
        type: 'server_error',
        param: null,
        code: null,
      })
      expect(text).not.toMatch(/secret|\.ts/)
      expect(errors).toEqual([expect.objectContaining({ message: 'secret of /home/somebody' })])
      await failing.close()
    },
  )
})

describe('a request that is unusual, and right', () => {
  it('has fields that are null, neutral or harmless', async () => {
    const { status, json } = await post(server, chat, {
      messages: [
        { role: 'developer', content: 'Be brief.' },
        { role: 'user', content: [{ type: 'text', text: 'Hello.' }], name: 'x' },
      ],
      model: null,
      temperature: null,
      stop: null,
      n: 1,
      presence_penalty: 0,
      tools: [],
      response_format: { type: 'text' },
      user: 'somebody',
      max_completion_tokens: 3,
      max_tokens: 999,
    })
    expect(status).toBe(200)
    expect(json().usage.completion_tokens).toBeLessThanOrEqual(3)
  })

  it('leaves out how long the answer may be, and is answered until the context ends', async () => {
    const target = await stories()
    const base = await chatServer({ target, name: 'stories', contextLength: 20 })
    const request = { prompt: 'Once upon a time', temperature: 0 }
    const { json } = await post(base, '/v1/completions', request)
    expect(json()).toMatchObject({ choices: [{ finish_reason: 'length' }], usage: { total_tokens: 20 } })
    const { prompt_tokens } = json().usage
    const refused = await post(base, '/v1/completions', { ...request, max_tokens: 21 - prompt_tokens })
    expect([refused.status, refused.json().error.code]).toEqual([400, 'context_length_exceeded'])
    const fitting = await post(base, '/v1/completions', { ...request, max_tokens: 20 - prompt_tokens })
    expect(fitting.json().usage.total_tokens).toBe(20)
    const long = await post(base, '/v1/completions', {
      prompt: 'Once upon a time there was a little girl who had a dog.',
    })
    expect(long.json().error).toMatchObject({ code: 'context_length_exceeded', param: 'prompt' })
    await base.close()
  })
})

describe('a long prompt', () => {
  it('is encoded a slice at a time: others are answered meanwhile', async () => {
    const { tokenizer } = await tinyChat()
    const answered: string[] = []
    const encode = vi.spyOn(tokenizer, 'encodeInSlices')
    // Its first pause ends when another has been answered.
    let goOn = () => {}
    const paused = new Promise<void>((resolve) => {
      goOn = resolve
    })
    encode.mockImplementationOnce(async (text, options) => {
      await paused
      return tokenizer.encode(text, options)
    })
    const long = post(server, chat, { messages, max_tokens: 1 }).then(({ status }) => {
      answered.push('long')
      return status
    })
    await eventually('it is encoded', () => encode.mock.calls.length === 1)
    expect((await post(server, chat, { messages, max_tokens: 1 })).status).toBe(200)
    answered.push('short')
    expect((await (await fetch(`${server.url}/health`)).json()) as object).toMatchObject({ running: 0, waiting: 0 })
    goOn()
    expect(await long).toBe(200)
    expect(answered).toEqual(['short', 'long'])
    encode.mockRestore()
  })
})

describe('a stream that waits for its turn', () => {
  it('has a head and comments meanwhile, and refusals that are known at once as statuses', async () => {
    const target = { ...(await tinyChat()), generationConfig: { eosTokenIds: [] } }
    const busy = await chatServer({
      target,
      concurrency: 1,
      queueLimit: 1,
      headMilliseconds: 5,
      commentMilliseconds: 5,
    })
    const ask = (more: object) => post(busy, '/v1/completions', { prompt: 'Mira', temperature: 0, ...more })
    const before = ask({ max_tokens: 100 })
    await eventually('it runs', () => busy.engine.running === 1)
    const waiting = ask({ max_tokens: 4, stream: true })
    await eventually('the other waits', () => busy.engine.waiting === 1)
    expect((await ask({ stream: true })).status).toBe(429)
    expect((await ask({ stream: true, temperature: -1 })).status).toBe(400)
    const { status, headers, text } = await waiting
    expect(status).toBe(200)
    expect(headers.get('content-type')).toMatch(/^text\/event-stream/)
    expect(headers.get('cache-control')).toContain('no-transform')
    expect(text).toMatch(/^: waiting\n\n(: waiting\n\n)+data: \{/)
    expect(text).toMatch(/data: \[DONE\]\n\n$/)
    await before
    await busy.close()
  })
})

describe('who may ask', () => {
  it('without a key: whoever is on this machine, by one of its names', async () => {
    const { hostname, port } = new URL(server.url)
    const status = async (host: string) => {
      const { request } = await import('node:http')
      return new Promise<number>((resolve, reject) => {
        request({ hostname, port, path: '/v1/models', headers: { host } }, (response) => {
          response.resume()
          resolve(response.statusCode!)
        })
          .on('error', reject)
          .end()
      })
    }
    expect(await status(`localhost:${port}`)).toBe(200)
    expect(await status(`127.0.0.1:${port}`)).toBe(200)
    expect(await status('[::1]')).toBe(200)
    expect(await status(`evil.example:${port}`)).toBe(403)
    expect(await status('127.0.0.1.evil.example')).toBe(403)
  })

  it('with a key: who has it; health is for everybody', async () => {
    const locked = await chatServer({ apiKey: 'a-long-secret' })
    const status = async (path: string, authorization?: string) =>
      (await fetch(locked.url + path, authorization ? { headers: { authorization } } : {})).status
    expect(await status('/health')).toBe(200)
    for (const path of ['/v1/models', '/metrics', '/v1/nothing']) expect(await status(path)).toBe(401)
    expect(await status('/v1/models', 'Bearer a-long-secret')).toBe(200)
    for (const wrong of [
      'Bearer a-long-secre',
      'Bearer a-long-secret2',
      'Bearer ',
      'Basic a-long-secret',
      'a-long-secret',
    ])
      expect(await status('/v1/models', wrong)).toBe(401)
    const { json, headers } = await post(locked, chat, { messages })
    expect(json().error.code).toBe('invalid_api_key')
    expect(headers.get('www-authenticate')).toBe('Bearer')
    await locked.close()
  })

  it('pages of the origins that are allowed, and no others', async () => {
    const allowed = async (origin: string) =>
      (await fetch(`${server.url}/v1/models`, { headers: { origin } })).headers.get('access-control-allow-origin')
    expect(await allowed('https://page.example')).toBe('https://page.example')
    expect(await allowed('https://other.example')).toBeNull()
  })
})

describe('metrics and health', () => {
  it('are in the format of Prometheus, under the names of vLLM', async () => {
    await post(server, chat, { messages, max_tokens: 3, temperature: 0 })
    const response = await fetch(`${server.url}/metrics`)
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    const text = await response.text()
    for (const line of text.trimEnd().split('\n'))
      expect(line).toMatch(/^(# (HELP|TYPE) [a-z\d_:]+ .+|[a-z\d_:]+\{([a-z_]+="[^"]*",?)*\} [-+.\de]+)$/)
    for (const name of [
      'vllm:num_requests_running',
      'vllm:num_requests_waiting',
      'vllm:prompt_tokens_total',
      'vllm:generation_tokens_total',
      'vllm:request_success_total',
      'vllm:time_to_first_token_seconds_bucket',
      'vllm:inter_token_latency_seconds_sum',
      'vllm:e2e_request_latency_seconds_count',
    ])
      expect(text).toContain(`\n${name}{`)
    expect(text).not.toContain('spec_decode') // there is no draft
  })

  it('say what runs', async () => {
    const health = await fetch(`${server.url}/health`)
    expect(await health.json()).toEqual({ status: 'ok', running: 0, waiting: 0 })
  })
})
