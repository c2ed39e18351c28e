import { type Device, OutriderError } from '@outrider/tensor'
import { type CausalLM, generate, type PretrainedModel } from '@outrider/transformer'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createServer, type OutriderServer, type ServerOptions } from '../index'
import { eventually, shallow, stories } from '../server.fixture'

let device: Device
let target: PretrainedModel
beforeAll(async () => {
  target = { ...(await stories()), generationConfig: { eosTokenIds: [] } }
  device = target.model.device
})

const servers: OutriderServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function served(options: Partial<ServerOptions> = {}): Promise<OutriderServer> {
  const server = createServer({ target, warmUp: false, draftLength: 3, ...options })
  servers.push(server)
  await server.ready
  return server
}

const mebibytes = (count: number) => Math.round(count * 2 ** 20)
/** Of tensors that are there, as buffers. */
const taken = () => device.memory.heldBytes - device.memory.pooledBytes

const bearer = { authorization: 'Bearer a-long-secret' }
async function ask({ app }: OutriderServer, body: object, path = '/v1/completions') {
  const headers = { 'content-type': 'application/json', ...bearer }
  const response = await app.request(path, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  })
  // biome-ignore lint/suspicious/noExplicitAny: what a server says is anything
  return { status: response.status, body: (await response.json()) as any }
}

const text = (length: number, stream = 0) => Array.from({ length }, (_, i) => 5 + ((i * 7 + stream) % 500))

describe('a bound of memory', () => {
  it('is kept by requests that come at once, which have the answers that they have alone: some wait', async () => {
    const maxMemoryBytes = taken() + mebibytes(9)
    const server = await served({ drafter: shallow(target, 2), maxMemoryBytes })
    device.resetPeak()
    let most = 0
    const watching = setInterval(() => {
      most = Math.max(most, server.engine.running)
    }, 1)
    const asked = [6, 1, 4, 5, 2, 3, 0].map((i) => ({
      prompt: text(50 + 30 * i, i),
      max_tokens: 8 + 4 * i,
      temperature: 0,
    }))
    const answers = await Promise.all(asked.map((body) => ask(server, body)))
    clearInterval(watching)
    for (const [i, { prompt, max_tokens: maxTokens }] of asked.entries()) {
      expect(answers[i]!.status, JSON.stringify(answers[i]!.body)).toBe(200)
      if (i > 1) continue
      const alone = await generate(target, prompt, { maxTokens }).result
      expect(answers[i]!.body.choices[0].text).toBe(alone.text)
    }
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThan(asked.length)
    expect(device.memory.peakBytes).toBeLessThan(maxMemoryBytes)
    expect((await ask(server, { input: text(300) }, '/v1/embeddings')).status).toBe(200)
  })

  it('is refused at the start where the model and one request are more, with the longest request that is not', async () => {
    const maxMemoryBytes = taken() + mebibytes(3.4)
    const server = createServer({ target, warmUp: false, maxMemoryBytes })
    servers.push(server)
    const error = await server.ready.then(
      () => undefined,
      (error: OutriderError) => error,
    )
    expect(error).toMatchObject({ code: 'OUT_OF_MEMORY', details: { maxBytes: maxMemoryBytes } })
    expect(error!.message).toMatch(/A request of 512 tokens may take [\d.]+ MiB .* bound requests at \d+ tokens\./)
    const fits = error!.details.fits as number
    expect(fits).toBeGreaterThan(64)
    expect(
      (await ask(await served({ contextLength: fits, maxMemoryBytes }), { prompt: text(fits - 1), max_tokens: 1 }))
        .status,
    ).toBe(200)
    expect(() => createServer({ target, maxMemoryBytes: 0 })).toThrow('it must be a number of bytes')
  })

  it('lets no request in that it can never have room for, since the draft was changed: it says the numbers', async () => {
    const server = await served({
      ...{ maxMemoryBytes: taken() + mebibytes(4.9), apiKey: 'a-long-secret' },
      loadDraft: async () => ({ drafter: shallow(target, 5), dispose() {} }),
    })
    const long = { prompt: text(500), max_tokens: 12, temperature: 0 }
    expect((await ask(server, long)).status).toBe(200)
    const response = await server.app.request('/admin/draft', {
      ...{ method: 'POST', headers: { 'content-type': 'application/json', ...bearer } },
      body: '{"draft":"five layers"}',
    })
    expect(response.status, await response.clone().text()).toBe(200)
    const refused = await ask(server, long)
    expect([refused.status, refused.body.error.code]).toEqual([400, 'memory_exceeded'])
    expect(refused.body.error.message).toMatch(/500 tokens of a prompt and 12 of an answer may take [\d.]+ MiB/)
    expect((await ask(server, { prompt: text(40), max_tokens: 4 })).status).toBe(200)
  })
})

/** Lets a method of a model find no memory, as often as it says so. */
function failing<Name extends 'createCache' | 'forward'>(
  model: CausalLM,
  name: Name,
  fails: (options: never) => boolean,
) {
  const method = model[name] as (...args: unknown[]) => unknown
  const stub = (...args: unknown[]) => {
    if (fails(args.at(-1) as never)) throw new OutriderError('OUT_OF_MEMORY', 'There is none.')
    return method.apply(model, args)
  }
  Object.assign(model, { [name]: stub })
  return { [Symbol.dispose]: () => void Object.assign(model, { [name]: method }) }
}

describe('where the device has no memory', () => {
  it.each([undefined, 2])('fails who asked for more, and no other, with a draft of %s layers', async (layers) => {
    const server = await served({ ...(layers && { drafter: shallow(target, layers) }), prefixCacheBytes: 0 })
    const long = ask(server, { prompt: 'Once upon a time', max_tokens: 100, temperature: 0 })
    await eventually('it runs', () => server.engine.running === 1 && server.metrics.figures().generationTokens > 0)
    {
      using _ = failing(target.model, 'createCache', ({ batchSize = 1 }: { batchSize?: number }) => batchSize > 1)
      const refused = await ask(server, { prompt: 'Mira', max_tokens: 5 })
      expect([refused.status, refused.body.error.code]).toEqual([503, 'out_of_memory'])
    }
    const { text } = await generate(target, 'Once upon a time', { maxTokens: 100 }).result
    expect((await long).body.choices[0].text).toBe(text)
  })

  it('goes on without drafts, to the same answer, where it is a draft that has none', async () => {
    const draft = shallow(target, 2)
    const server = await served({ drafter: draft })
    const { text } = await generate(target, 'Mira', { maxTokens: 40 }).result
    let passes = 0
    using _ = failing(draft.model, 'forward', () => ++passes > 3)
    const before = device.memory.liveBytes
    const { body } = await ask(server, { prompt: 'Mira', max_tokens: 40, temperature: 0 })
    expect(body.choices[0].text).toBe(text)
    expect(passes).toBe(4) // asked no more
    expect(device.memory.liveBytes).toBe(before)
  })
})
