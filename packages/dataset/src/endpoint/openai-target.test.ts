import { contentHash, memoryDirectory } from '@outrider/transformer'
import { afterEach, describe, expect, it } from 'vitest'
import { type GenerateDatasetOptions, type GeneratedRow, generateDataset } from '../generate/generate-dataset'
import { gridOptions } from '../generate/grid.fixture'
import { rows } from '../sources/rows'
import { chatSpeaker } from '../tiny-model.fixture'
import { type Asked, completion, failure, idsOfText, isProbe, json, type Loopback, loopback } from './loopback.fixture'
import { type OpenAiTargetOptions, openAiTarget } from './openai-target'

const open: Loopback[] = []
const engine = async (...replies: Parameters<typeof loopback>) => {
  const started = await loopback(...replies)
  open.push(started)
  return started
}
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

const files = memoryDirectory()
const read = async (file: string) => new TextDecoder().decode(await files.read(file))
const rowsOf = async (file: string) =>
  (await read(file))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as GeneratedRow)

const target = (baseUrl: string, options: Partial<OpenAiTargetOptions> = {}) =>
  openAiTarget({ baseUrl, model: 'big', backoffSeconds: 0.001, ...options })
const generate = (url: string, file: string, more: Partial<GenerateDatasetOptions & OpenAiTargetOptions> = {}) =>
  generateDataset({ ...gridOptions, target: target(url, more), out: { directory: files, file }, ...more })

/** What comes of it when nothing goes wrong. */
async function calm(): Promise<string> {
  if (!(await files.has('calm.jsonl'))) await generate((await engine()).url, 'calm.jsonl')
  return read('calm.jsonl')
}

describe('a dataset from an endpoint', () => {
  it('has the rows of a target here: their order, temperatures, metadata and hashes, and ids as the engine says them', async () => {
    const { url, asked } = await engine()
    const told: (readonly number[])[] = []
    const onRow = (_: GeneratedRow, prompt: readonly number[]) => void told.push(prompt)
    const done = await generate(url, 'rows.jsonl', { onRow })
    expect(done).toEqual({ rows: 30, generated: 30, withoutIds: 0, failed: 0, others: 0 })
    const found = await rowsOf('rows.jsonl')
    expect(found.map(({ question, temperature }) => [question, temperature])).toEqual(
      Array.from({ length: 30 }, (_, i) => [Math.floor(i / 3), [0, 0.5, 1][i % 3]]),
    )
    expect(new Set(found.map(({ id }) => id)).size).toBe(30)
    for (const { messages, completion_ids, top_p, finish_reason } of found) {
      expect({ top_p, finish_reason }).toEqual({ top_p: 0.95, finish_reason: 'stop' })
      expect(completion_ids).toEqual(idsOfText(messages[1]!.content))
    }
    expect(told).toEqual(found.map(() => [1, 2, 3]))
    expect(asked).toHaveLength(30)
    expect(asked[0]!.body).toMatchObject({
      model: 'big',
      max_tokens: 6,
      top_k: 0,
      repetition_penalty: 1,
      repeat_penalty: 1,
    })
  })

  it('is known by the name of the model, wherever that is served, and asks for nothing that is there', async () => {
    const whole = await calm()
    const elsewhere = await engine()
    expect(await generate(`${elsewhere.url}/v1/`, 'calm.jsonl')).toMatchObject({ rows: 30, generated: 0 })
    expect(elsewhere.asked).toEqual([])
    expect(await read('calm.jsonl')).toBe(whole)
    const other = openAiTarget({ baseUrl: elsewhere.url, model: 'other' })
    const more = await generateDataset({ ...gridOptions, target: other, out: { directory: files, file: 'both.jsonl' } })
    expect(more).toMatchObject({ rows: 30, others: 0 })
    const ids = async (file: string) => (await rowsOf(file)).map(({ id }) => id)
    expect(new Set([...(await ids('calm.jsonl')), ...(await ids('both.jsonl'))]).size).toBe(60)
  })

  it('is to the byte the same of an engine that breaks off, is too busy, fails, talks nonsense, dawdles and answers out of order', async () => {
    const troubles: ((asked: Asked, response: Parameters<Parameters<typeof engine>[0] & object>[1]) => unknown)[] = [
      (_, response) => response.destroy(),
      (asked, response) => {
        const text = JSON.stringify(completion(asked))
        response.writeHead(200, { 'content-length': text.length }).write(text.slice(0, 40))
        setTimeout(() => response.destroy(), 5)
      },
      (_, response) => failure(response, 429, 'Too many requests', { 'retry-after': '0' }),
      (_, response) => failure(response, 500, 'Internal error'),
      (_, response) => response.end('<html>gateway</html>'),
      (_, response) => json(response, { choices: [] }),
      (_, response) =>
        json(response, { choices: [{ message: { content: 'x' }, finish_reason: 'stop', token_ids: ['a'] }] }),
      () => undefined, // never answers
    ]
    let count = 0
    const { url, asked } = await engine((one, response) => {
      if (isProbe(one)) return json(response, completion(one))
      const trouble = one.before === 0 && troubles[count++ % (troubles.length + 1)]
      if (trouble) return trouble(one, response)
      return setTimeout(() => json(response, completion(one)), (count * 7) % 20)
    })
    const done = await generate(url, 'troubled.jsonl', { timeoutSeconds: 0.3 })
    expect(done).toMatchObject({ rows: 30, generated: 30 })
    expect(await read('troubled.jsonl')).toBe(await calm())
    expect(asked.length).toBeGreaterThan(50)
  })

  it('that was stopped, its last row torn, goes on to the same bytes, and asks for what is missing alone', async () => {
    const stop = new AbortController()
    const first = await engine((one, response) => setTimeout(() => json(response, completion(one)), one.body.seed % 10))
    const stopped = generate(first.url, 'stopped.jsonl', {
      signal: stop.signal,
      onRow() {
        if (first.asked.length >= 14) stop.abort()
      },
    })
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED', message: /stopped with \d+ of 30 rows written/ })
    const whole = await calm()
    const half = await read('stopped.jsonl')
    expect(half.length).toBeGreaterThan(0)
    expect(whole.startsWith(half)).toBe(true)
    await files.append('stopped.jsonl', whole.slice(half.length, half.length + 30))
    const second = await engine()
    await generate(second.url, 'stopped.jsonl')
    expect(await read('stopped.jsonl')).toBe(whole)
    expect(second.asked).toHaveLength(30 - (half.match(/\n/g)?.length ?? 0))
  })

  it('has at most so many under way as were allowed', async () => {
    const slow = await engine((one, response) => setTimeout(() => json(response, completion(one)), 10))
    await generate(slow.url, 'few.jsonl', { batchSize: 3 })
    expect(slow.atOnce).toBe(3)
  })

  it('has rows without ids where the engine says none, and counts them; top_k is then refused', async () => {
    const { url, asked } = await engine((one, response) =>
      'return_token_ids' in one.body
        ? failure(response, 400, 'Unrecognized request argument supplied: return_token_ids')
        : 'max_tokens' in one.body
          ? failure(response, 400, "Use 'max_completion_tokens' instead.")
          : json(response, completion(one, false)),
    )
    expect(await generate(url, 'no-ids.jsonl')).toMatchObject({ generated: 30, withoutIds: 30 })
    for (const row of await rowsOf('no-ids.jsonl')) expect(row).not.toHaveProperty('completion_ids')
    expect(Object.keys(asked[0]!.body).toSorted()).toEqual([
      'max_completion_tokens',
      'messages',
      'model',
      'seed',
      'temperature',
      'top_p',
    ])
    await expect(generate(url, 'top-k.jsonl', { topK: 5 })).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })
})

describe('what an endpoint refuses', () => {
  const pick = { seeds: rows(['a', 'b', 'c'].map((text) => ({ kind: 'text' as const, text }))), temperatures: [0] }
  const picky = () =>
    engine((one, response) =>
      one.body.messages[0].content === 'b'
        ? failure(response, 400, 'The prompt is too long.')
        : json(response, completion(one)),
    )

  it('ends the run by the row that it refuses, with those before it written', async () => {
    const { url } = await picky()
    await expect(generate(url, 'refused.jsonl', { ...pick, batchSize: 1 })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: /no answer to "b".*HTTP 400: The prompt is too long\..*--max-failed/,
    })
    expect((await rowsOf('refused.jsonl')).map(({ messages }) => messages[0]!.content)).toEqual(['a'])
  })

  it('is left out where that is allowed, and asked for again by the next run', async () => {
    const first = await picky()
    const some = { ...pick, maxFailed: 1 }
    expect(await generate(first.url, 'left.jsonl', some)).toMatchObject({ rows: 2, generated: 2, failed: 1 })
    const { url, asked } = await engine()
    expect(await generate(url, 'left.jsonl', some)).toMatchObject({ rows: 3, generated: 1, failed: 0 })
    expect(asked.map(({ body }) => body.messages[0].content)).toEqual(['b'])
  })

  it('by a key names the key’s options, and never the key, which goes nowhere else', async () => {
    const { url } = await engine(({ authorization }, response) =>
      failure(response, 401, `Incorrect API key provided: ${authorization}`),
    )
    const error: Error = await generate(url, 'key.jsonl', { apiKey: 'sk-secret' }).catch((error) => error)
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', message: /HTTP 401.*Bearer ….*OUTRIDER_API_KEY/ })
    expect(JSON.stringify([error.message, error.stack, error])).not.toContain('sk-secret')
    for (const apiKey of ['', 'sk-secret\nx', 'sk-sécret'])
      expect(() => target(url, { apiKey })).toThrow(/^The key of the endpoint is empty, or has spaces(?!.*cret)/)
    const elsewhere = await engine()
    const redirecting = await engine((_, response) =>
      response.writeHead(307, { location: `${elsewhere.url}/v1/chat/completions` }).end(),
    )
    const lost = generate(redirecting.url, 'key.jsonl', { apiKey: 'sk-secret', retries: 0 })
    await expect(lost).rejects.toMatchObject({ code: 'NETWORK' })
    expect(elsewhere.asked).toEqual([])
  })

  it('is a bound on errors: an endpoint that only fails ends the run after its retries', async () => {
    let times = 0
    const { url } = await engine((_, response) => {
      times++
      failure(response, 500, 'CUDA error')
    })
    await expect(generate(url, 'dead.jsonl', { retries: 3, maxFailed: 30 })).rejects.toMatchObject({
      code: 'NETWORK',
      message: /HTTP 500: CUDA error/,
    })
    expect(times).toBe(4)
    // One that answers others is not to blame for the one that it cannot answer.
    const poisoned = await engine((one, response) =>
      one.body.messages[0].content === 'b' ? response.destroy() : json(response, completion(one)),
    )
    const done = await generate(poisoned.url, 'poison.jsonl', { ...pick, retries: 2, maxFailed: 1 })
    expect(done).toMatchObject({ rows: 2, failed: 1 })
  })
})

describe('a tokenizer that is given', () => {
  const { tokenizer } = chatSpeaker
  const tokens = (text: string) => [...new TextEncoder().encode(text)]

  it.each<[string, string, (asked: Asked) => object]>([
    ['/tokenize', 'vLLM’s', ({ body }) => ({ tokens: tokens(body.prompt) })],
    ['/extras/tokenize', 'llama-cpp-python’s', ({ body }) => ({ tokens: tokens(body.input) })],
    ['/v1/completions', 'our own server’s', ({ body }) => ({ choices: [{ prompt_token_ids: tokens(body.prompt) }] })],
  ])('is compared with the endpoint’s by %s, %s way', async (way, _, answer) => {
    const one = { seeds: rows([{ kind: 'text', text: 'a' }]), tokenizer }
    const honest = await engine(undefined, (asked, response) =>
      asked.path === way ? json(response, answer(asked)) : failure(response, 404, 'Not Found'),
    )
    const file = `same-${await contentHash(way)}.jsonl`
    expect(await generate(honest.url, file, one)).toMatchObject({ generated: 3 })
    const other = await engine(undefined, (asked, response) =>
      asked.path === way
        ? json(response, JSON.parse(JSON.stringify(answer(asked)).replace(/\[84,/, '[9,')))
        : failure(response, 404, 'Not Found'),
    )
    await expect(generate(other.url, `other-${file}`, one)).rejects.toMatchObject({
      code: 'VOCABULARY_MISMATCH',
      message: /"The quick.*is 9 104.*there, and 84 104/,
    })
    expect(other.asked).toEqual([])
  })

  it('is taken at its word where the endpoint says no ids', async () => {
    const { url } = await engine()
    expect(await generate(url, 'untold.jsonl', { tokenizer })).toMatchObject({ generated: 30 })
  })
})
