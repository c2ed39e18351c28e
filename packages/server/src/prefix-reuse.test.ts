import { OutriderError } from '@outrider/tensor'
import { type ChatMessage, ChatTemplate, generate, promptTokens } from '@outrider/transformer'
import { afterEach, describe, expect, it } from 'vitest'
import { createServer, type OutriderServer, type ServerOptions } from './index'
import { commonLength, prefixSoak } from './prefix-soak.fixture'
import { shallow, stories } from './server.fixture'

const servers: OutriderServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function served(options: Partial<ServerOptions> = {}): Promise<OutriderServer> {
  const server = createServer({ target: await stories(), warmUp: false, ...options })
  servers.push(server)
  return server
}

/** What a server says to a body. */
async function ask({ app }: OutriderServer, path: string, body: object, key?: string) {
  const headers = { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) }
  const response = await app.request(path, { method: 'POST', headers, body: JSON.stringify(body) })
  const text = await response.text()
  expect(response.status, text).toBe(200)
  // biome-ignore lint/suspicious/noExplicitAny: what a server says is anything
  return JSON.parse(text.startsWith('data: ') ? text.split('data: ').at(-2)! : text) as any
}

const text = (length: number, stream = 0) => Array.from({ length }, (_, i) => 5 + ((i * 7 + stream) % 500))
const complete = async (server: OutriderServer, prompt: readonly number[], more: object = {}, key?: string) => {
  const { choices, usage } = await ask(server, '/v1/completions', { prompt, max_tokens: 3, ...more }, key)
  return {
    texts: choices.map((choice: { text: string }) => choice.text),
    cached: usage.prompt_tokens_details.cached_tokens,
  }
}

const metricOf = async ({ app }: OutriderServer, name: string) =>
  Number(new RegExp(`^${name}{.*} (.*)$`, 'm').exec(await (await app.request('/metrics')).text())?.[1])

const template = '{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant: '

describe('a conversation', () => {
  it('has the answers that it has alone, and each turn reads what is new: usage, metrics and logs say how much it knew', async () => {
    const target = { ...(await stories()), chatTemplate: new ChatTemplate(template) }
    const log: { cached_tokens?: number }[] = []
    const server = await served({ target, onRequest: (entry) => log.push(entry) })
    const messages: ChatMessage[] = [{ role: 'system', content: 'You tell of a fox, a goat and a kite. '.repeat(3) }]
    let before: number[] = []
    const told: number[] = []
    let asked = 0
    for (const content of ['Who is Mira?', 'Tell me about a goat and its friends.', 'Where does Lena live?']) {
      messages.push({ role: 'user', content })
      const ids = promptTokens(target, messages)
      asked += ids.length
      const sampling = { temperature: 0.8, seed: 4 }
      const { text: alone } = await generate(target, ids, { ...sampling, maxTokens: 12 }).result
      const { choices, usage } = await ask(server, '/v1/chat/completions', { messages, max_tokens: 12, ...sampling })
      expect(choices[0].message.content).toBe(alone)
      const known = Math.min(commonLength(ids, before), ids.length - 1)
      told.push(usage.prompt_tokens_details.cached_tokens)
      expect(told.at(-1)).toBe(known - (known % 64))
      messages.push({ role: 'assistant', content: alone })
      before = ids
    }
    expect(told[0]).toBe(0)
    expect(told[2]).toBeGreaterThan(told[1]!)
    expect(log.map(({ cached_tokens }) => cached_tokens)).toEqual(told)
    expect(await metricOf(server, 'vllm:prefix_cache_queries_total')).toBe(asked)
    expect(await metricOf(server, 'vllm:prefix_cache_hits_total')).toBe(told[1]! + told[2]!)
    expect(await metricOf(server, 'outrider:prefix_cache_bytes')).toBeGreaterThan(0)
    // The same conversation as a stream, and by the other endpoint.
    messages.pop()
    const length = promptTokens(target, messages).length
    const cached = length - 1 - ((length - 1) % 64)
    const streamed = { messages, stream: true, stream_options: { include_usage: true }, max_tokens: 1 }
    const { usage } = await ask(server, '/v1/chat/completions', streamed)
    expect(usage.prompt_tokens_details).toEqual({ cached_tokens: cached })
    const responded = await ask(server, '/v1/responses', { input: messages, max_output_tokens: 1 })
    expect(responded.usage.input_tokens_details).toEqual({ cached_tokens: cached })
  })
})

describe('what prompts begin with', () => {
  it('is read once for several answers to one prompt, and for prompts that come at once', async () => {
    const server = await served()
    const several = await complete(server, text(200), { n: 3, seed: 1, temperature: 1 })
    expect(several.cached).toBe(0)
    expect(await metricOf(server, 'vllm:prefix_cache_hits_total')).toBe(2 * 192)
    const prompts = [text(200), [...text(130), 7], text(70, 9)]
    const { usage } = await ask(server, '/v1/completions', { prompt: prompts, max_tokens: 1 })
    expect(usage.prompt_tokens_details).toEqual({ cached_tokens: 192 + 128 })
    const plain = await served({ prefixCacheBytes: 0 })
    expect(await complete(plain, text(200), { n: 3, seed: 1, temperature: 1 })).toEqual(several)
    expect(await metricOf(plain, 'vllm:prefix_cache_queries_total')).toBeNaN()
  })

  it('is not told to other keys, nor to other salts, unless the operator says so', async () => {
    const apiKeys = { mira: 'key of mira', oskar: 'key of oskar' }
    for (const sharePrefixes of [false, true]) {
      const server = await served({ apiKeys, sharePrefixes })
      const cached = async (key: string, more: object = {}) => (await complete(server, text(130), more, key)).cached
      expect(await cached('key of mira')).toBe(0)
      expect(await cached('key of oskar')).toBe(sharePrefixes ? 128 : 0)
      expect(await cached('key of mira')).toBe(128)
      expect(await cached('key of mira', { cache_salt: 'a' })).toBe(0)
      expect(await cached('key of oskar', { cache_salt: 'a' })).toBe(sharePrefixes ? 128 : 0)
      expect(await cached('key of mira', { cache_salt: 'a' })).toBe(128)
    }
  })

  it('gives way where a request wants the memory', async () => {
    const target = await stories()
    const { device } = target.model
    const server = await served()
    const { texts } = await complete(server, text(200), { temperature: 0 })
    const { createCache } = target.model
    let refused = 0
    Object.assign(target.model, {
      createCache: (options: object) => {
        if (refused++ === 0) throw new OutriderError('OUT_OF_MEMORY', 'There is none.')
        return createCache.call(target.model, options)
      },
    })
    try {
      expect(await complete(server, text(200), { temperature: 0 })).toEqual({ texts, cached: 0 })
    } finally {
      Object.assign(target.model, { createCache })
    }
    expect((await complete(server, text(200), { temperature: 0 })).cached).toBe(192)
    const before = device.memory.liveBytes
    await server.close()
    expect(device.memory.liveBytes).toBeLessThan(before)
  })
})

/** `OUTRIDER_PREFIX_REQUESTS=10000 npx vitest run prefix-reuse --testTimeout=36000000` asks so often, and prints what became of it. */
const requests = Number(process.env.OUTRIDER_PREFIX_REQUESTS ?? 200)

describe('requests that begin alike, with a draft and without', () => {
  it(`have the answers that they have alone, all ${requests}, in bounded memory, though some are broken off`, async () => {
    const whole = await stories()
    const told = await prefixSoak({ target: shallow(whole, 2), drafter: shallow(whole, 1), requests })
    expect(told.wrong).toEqual([])
    expect(told.right + told.aborted).toBe(requests)
    expect(told.aborted).toBeGreaterThan(0)
    expect(told.hits / told.queries).toBeGreaterThan(0.2)
    expect(told.mostBytes).toBeLessThanOrEqual(told.maxBytes)
    expect(told.forgotten).toBeGreaterThan(0)
    expect(told.heldAfterwards).toBe(0)
    if (requests <= 200) return
    console.log(JSON.stringify(told))
    const [middle, last] = [told.memory[5]!, told.memory.at(-1)!]
    expect(last.heap).toBeLessThan(middle.heap + 2)
  })
})
