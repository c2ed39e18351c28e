import { testDevice } from '@outrider/tensor/testing'
import { generate } from '@outrider/transformer'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ListeningServer } from './node/start-server'
import { chatServer, eventually, metric, shallow, stories, tinyChat } from './server.fixture'

const question = [{ role: 'user' as const, content: 'Tell me about a friend of yours.' }]
const model = 'tiny-chat'

let server: ListeningServer
let client: OpenAI

beforeAll(async () => {
  server = await chatServer()
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 })
})
afterAll(() => server.close())

/** The answer that the engine gives without a server. */
async function engineAnswer(
  options: Parameters<typeof generate>[2],
  prompt: Parameters<typeof generate>[1] = question,
) {
  return generate(await tinyChat(), prompt, options).result
}

describe('the official openai client', () => {
  it('gets the whole answer of the engine, with its usage', async () => {
    const expected = await engineAnswer({ maxTokens: 100 })
    const { choices, usage, object } = await client.chat.completions.create({
      model,
      messages: question,
      temperature: 0,
    })
    expect(object).toBe('chat.completion')
    expect(choices).toHaveLength(1)
    expect(choices[0]).toMatchObject({
      finish_reason: 'stop',
      message: { role: 'assistant', content: expected.text },
      logprobs: null,
    })
    expect(usage).toEqual({
      prompt_tokens: expected.promptTokens,
      prompt_tokens_details: { cached_tokens: 0 },
      completion_tokens: expected.tokens.length,
      total_tokens: expected.promptTokens + expected.tokens.length,
    })
  })

  it('streams the same answer, the role first, the reason of the end and the usage last', async () => {
    const expected = await engineAnswer({ maxTokens: 100 })
    const stream = await client.chat.completions.create({
      model,
      messages: question,
      temperature: 0,
      stream: true,
      stream_options: { include_usage: true },
    })
    const chunks: OpenAI.ChatCompletionChunk[] = []
    for await (const chunk of stream) chunks.push(chunk)
    expect(chunks[0]!.choices[0]!.delta).toEqual({ role: 'assistant', content: '' })
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(expected.text)
    expect(chunks.length).toBeGreaterThan(4)
    expect(chunks.at(-2)!.choices[0]!.finish_reason).toBe('stop')
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: expected.tokens.length } })
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1)
  })

  it('waits in the queue with comments between, and streams the same answer; what fails then is its own error', async () => {
    const target = await tinyChat()
    const endless = { ...target, generationConfig: { eosTokenIds: [] } }
    const busy = await chatServer({ target: endless, concurrency: 1, headMilliseconds: 5, commentMilliseconds: 5 })
    const client = new OpenAI({ baseURL: `${busy.url}/v1`, apiKey: 'none', maxRetries: 0 })
    const request = { model, messages: question, temperature: 0, max_tokens: 10 }
    const { choices } = await client.chat.completions.create(request)
    const first = client.chat.completions.create({ ...request, max_tokens: 60 })
    await expect.poll(() => busy.engine.running).toBe(1)
    const { data: stream, response } = await client.chat.completions.create({ ...request, stream: true }).withResponse()
    expect(response.status).toBe(200)
    expect(busy.engine.waiting).toBe(1) // the head has come before its turn
    let text = ''
    for await (const chunk of stream) text += chunk.choices[0]!.delta.content ?? ''
    expect(text).toBe(choices[0]!.message.content)
    await first

    const long = client.chat.completions.create({ ...request, max_tokens: 60 })
    await expect.poll(() => busy.engine.running).toBe(1)
    const waiting = await client.chat.completions.create({ ...request, stream: true })
    const closed = busy.close()
    await expect(
      (async () => {
        for await (const _ of waiting);
      })(),
    ).rejects.toThrow(/The server is stopping/)
    await Promise.all([long, closed])
  })

  it('sees the chunks of a stream through its own helper, and no usage unless it asks', async () => {
    const stream = client.chat.completions.stream({ model, messages: question, seed: 3, max_completion_tokens: 5 })
    const final = await stream.finalChatCompletion()
    expect(final.choices[0]!.finish_reason).toBe('length')
    expect(final.usage).toBeUndefined()
    const again = await client.chat.completions.create({ model, messages: question, seed: 3, max_tokens: 5 })
    expect(final.choices[0]!.message.content).toBe(again.choices[0]!.message.content)
  })

  it('stops at a text, which is not in the answer, streaming or not', async () => {
    const whole = await engineAnswer({ maxTokens: 100 })
    const at = Math.floor(whole.text.length / 2)
    const stop = whole.text.slice(at, at + 3)
    const expected = whole.text.slice(0, whole.text.indexOf(stop))
    const request = { model, messages: question, temperature: 0, stop: [stop, 'never'] }
    const { choices } = await client.chat.completions.create(request)
    expect(choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: expected } })
    const { choices: streamed } = await client.chat.completions.stream(request).finalChatCompletion()
    expect(streamed[0]!.message.content).toBe(expected)
  })

  it('repeats an answer by its seed, and gets another by another; temperature, top_p and top_k reach the engine', async () => {
    const sampling = { temperature: 1.4, top_p: 0.9, top_k: 20 }
    const answer = async (seed: number) => {
      const request = { model, messages: question, max_tokens: 30, seed, ...sampling }
      return (await client.chat.completions.create(request)).choices[0]!.message.content
    }
    const expected = await engineAnswer({ maxTokens: 30, seed: 11, temperature: 1.4, topP: 0.9, topK: 20 })
    expect(await answer(11)).toBe(expected.text)
    expect(await answer(11)).toBe(expected.text)
    const others = await Promise.all([12, 13, -4].map(answer))
    expect(others.some((text) => text !== expected.text)).toBe(true)
  })

  it('leaves, and nothing more is computed for it', async () => {
    const device = await testDevice()
    const before = device.memory.liveBytes
    const aborted = await metric(server, 'vllm:request_success_total', 'finished_reason="abort"')
    const stream = await client.chat.completions.create({
      model,
      messages: question,
      temperature: 2,
      seed: 1,
      max_tokens: 100,
      stream: true,
    })
    let chunks = 0
    for await (const _ of stream) if (++chunks === 2) break // the client closes the connection
    await eventually('the request is counted as aborted', async () => {
      return (await metric(server, 'vllm:request_success_total', 'finished_reason="abort"')) === aborted + 1
    })
    await eventually('the batch is empty', () => device.memory.liveBytes === before)

    const controller = new AbortController()
    const whole = client.chat.completions.create(
      { model, messages: question, temperature: 2 },
      { signal: controller.signal },
    )
    await eventually('it runs', () => server.engine.running === 1)
    controller.abort()
    await expect(whole).rejects.toThrow(OpenAI.APIUserAbortError)
    await eventually('nothing runs', () => server.engine.running === 0)
  })

  it('gets log-probabilities: of the chosen tokens and of the likeliest, with their bytes', async () => {
    const request = {
      model,
      messages: question,
      max_tokens: 6,
      seed: 5,
      temperature: 1,
      logprobs: true,
      top_logprobs: 3,
    }
    const { choices } = await client.chat.completions.create(request)
    const { content } = choices[0]!.logprobs!
    expect(content!.map(({ token }) => token).join('')).toBe(choices[0]!.message.content)
    const target = await tinyChat()
    const scored = []
    for await (const token of generate(target, question, {
      maxTokens: 6,
      seed: 5,
      temperature: 1,
      logProbabilities: 3,
    }))
      scored.push(token.scored!)
    for (const [i, { logProbability, likeliest }] of scored.slice(0, content!.length).entries()) {
      expect(content![i]!.logprob).toBe(logProbability)
      expect(content![i]!.top_logprobs.map(({ logprob }) => logprob)).toEqual(
        likeliest.map(({ logProbability }) => logProbability),
      )
      expect(content![i]!.bytes).toEqual([...new TextEncoder().encode(content![i]!.token)])
    }
    const streamed = []
    for await (const { choices } of await client.chat.completions.create({ ...request, stream: true }))
      streamed.push(...(choices[0]!.logprobs?.content ?? []))
    expect(streamed).toEqual(content)
  })

  it('lists the model and asks for it', async () => {
    expect((await client.models.list()).data).toMatchObject([{ id: model, object: 'model' }])
    expect(await client.models.retrieve(model)).toMatchObject({ id: model })
    await expect(client.models.retrieve('gpt-4')).rejects.toThrow(OpenAI.NotFoundError)
  })

  it('gets the errors of the API as its own classes', async () => {
    const ask = (more: object) => client.chat.completions.create({ model, messages: question, ...more })
    await expect(ask({ model: 'gpt-4' })).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
      message: expect.stringContaining('"gpt-4" does not exist; this server has "tiny-chat"'),
    })
    await expect(ask({ temperature: -1 })).rejects.toThrow(OpenAI.BadRequestError)
    await expect(ask({ temperature: -1 })).rejects.toMatchObject({ param: 'temperature' })
    await expect(ask({ n: 1000 })).rejects.toMatchObject({ status: 400, param: 'n' })
    const long = [{ role: 'user', content: 'goat '.repeat(200) }]
    await expect(ask({ messages: long })).rejects.toMatchObject({ status: 400, code: 'context_length_exceeded' })
  })

  it('is shown what speculation gained, as vLLM shows it, and has the same greedy answer', async () => {
    const target = await tinyChat()
    const speculating = await chatServer({ drafter: shallow(target, 9), draftLength: 3 })
    try {
      const client = new OpenAI({ baseURL: `${speculating.url}/v1`, apiKey: 'none' })
      const request = { model, messages: question, temperature: 0, stream_options: { include_usage: true } }
      const expected = await engineAnswer({ maxTokens: 100 })
      const whole = await client.chat.completions.create({ model, messages: question, temperature: 0 })
      expect(whole.choices[0]!.message.content).toBe(expected.text)
      const { speculative_decoding: stats } = (whole as unknown as { metrics: { speculative_decoding: Stats } }).metrics
      expect(stats.num_spec_tokens).toBe(3)
      expect(stats.acceptance_histogram.reduce((a, b) => a + b)).toBe(stats.num_spec_steps)
      expect(stats.acceptance_histogram.reduce((sum, steps, accepted) => sum + steps * accepted, 0)).toBe(
        stats.num_accepted_draft_tokens,
      )
      expect(stats.mean_acceptance_length).toBeCloseTo(1 + stats.num_accepted_draft_tokens / stats.num_spec_steps)
      expect(stats.draft_acceptance_rate).toBeCloseTo(stats.num_accepted_draft_tokens / stats.num_draft_tokens)
      expect(stats.num_accepted_draft_tokens).toBeGreaterThan(0)
      expect(whole.usage!.completion_tokens_details).toEqual({
        accepted_prediction_tokens: stats.num_accepted_draft_tokens,
        rejected_prediction_tokens: stats.num_draft_tokens - stats.num_accepted_draft_tokens,
      })
      expect(await metric(speculating, 'vllm:spec_decode_num_drafts_total')).toBe(stats.num_spec_steps)
      expect(await metric(speculating, 'vllm:spec_decode_num_draft_tokens_total')).toBe(stats.num_draft_tokens)
      expect(await metric(speculating, 'vllm:spec_decode_num_accepted_tokens_total')).toBe(
        stats.num_accepted_draft_tokens,
      )
      expect(await metric(speculating, 'vllm:spec_decode_num_accepted_tokens_per_pos_total', 'position="0"')).toBe(
        stats.num_accepted_tokens_per_pos[0],
      )

      let last: unknown
      for await (const chunk of await client.chat.completions.create({ ...request, stream: true })) last = chunk
      expect(last).toMatchObject({
        choices: [],
        usage: { completion_tokens: expected.tokens.length },
        metrics: { speculative_decoding: { num_draft_tokens: stats.num_draft_tokens } },
      })
      const shorter = await client.chat.completions.create({
        ...request,
        stream_options: null,
        draft_length: 2,
      } as never)
      expect(shorter).toMatchObject({ metrics: { speculative_decoding: { num_spec_tokens: 2 } } })
      const off = await client.chat.completions.create({ ...request, stream_options: null, draft_length: 0 } as never)
      expect(off).not.toHaveProperty('metrics')
      expect((off as OpenAI.ChatCompletion).choices[0]!.message.content).toBe(expected.text)
    } finally {
      await speculating.close()
    }
  })

  it('completes texts and token ids with a base model, log-probabilities in the older form', async () => {
    const target = await stories()
    const base = await chatServer({ target, name: 'stories' })
    try {
      const client = new OpenAI({ baseURL: `${base.url}/v1`, apiKey: 'none' })
      const request = { model: 'stories', prompt: 'Once upon a time', temperature: 0, max_tokens: 8, logprobs: 2 }
      const { choices, usage } = await client.completions.create(request)
      expect(choices[0]).toMatchObject({ text: ', there was a little girl', finish_reason: 'length' })
      const { tokens, token_logprobs, top_logprobs, text_offset } = choices[0]!.logprobs!
      expect(tokens!.join('')).toBe(choices[0]!.text)
      expect(text_offset!.map((at, i) => choices[0]!.text.startsWith(tokens![i]!, at))).toEqual(tokens!.map(() => true))
      expect(top_logprobs!.map((top, i) => top[tokens![i]!])).toEqual(token_logprobs)
      expect(usage!.completion_tokens).toBe(8)
      const prompt = target.tokenizer.encode('Once upon a time')
      expect((await client.completions.create({ ...request, prompt })).choices[0]!.text).toBe(choices[0]!.text)
      let streamed = ''
      for await (const chunk of await client.completions.create({ ...request, stream: true }))
        streamed += chunk.choices[0]!.text
      expect(streamed).toBe(choices[0]!.text)
      const within = await client.completions.create({ ...request, prompt: 'Once upon a', max_tokens: 4 })
      expect(within.choices[0]!.text).toBe(' time, there was')
      expect(within.choices[0]!.logprobs!.tokens!.join('')).toBe(' time, there was')
      expect(within.choices[0]!.logprobs!.text_offset).toEqual([0, 5, 6, 12])
      expect((await client.completions.create({ model: 'stories', prompt: 'The' })).usage!.completion_tokens).toBe(16)
      await expect(client.chat.completions.create({ model: 'stories', messages: question })).rejects.toMatchObject({
        status: 400,
        code: 'no_chat_template',
      })
    } finally {
      await base.close()
    }
  })
})

interface Stats {
  num_spec_tokens: number
  num_spec_steps: number
  num_draft_tokens: number
  num_accepted_draft_tokens: number
  num_accepted_tokens_per_pos: number[]
  acceptance_histogram: number[]
  mean_acceptance_length: number
  draft_acceptance_rate: number
}
