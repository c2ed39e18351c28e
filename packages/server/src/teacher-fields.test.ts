import { ChatTemplate, scorePrompt } from '@outrider/transformer'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ListeningServer } from './node/start-server'
import { chatServer, post, stories, tinyChat } from './server.fixture'
import { chunksOf, recordedStreams, recordedTemplate, together } from './streamed.fixture'

const messages = [{ role: 'user', content: 'Hello.' }]
const chat = '/v1/chat/completions'
const completions = '/v1/completions'

let server: ListeningServer
let base: ListeningServer
beforeAll(async () => {
  server = await chatServer()
  const chatTemplate = new ChatTemplate(recordedTemplate, { bos_token: '<s>' })
  base = await chatServer({ target: { ...(await stories()), chatTemplate }, name: 'stories', maxLogprobs: 25 })
})
afterAll(() => Promise.all([server.close(), base.close()]))

describe('return_token_ids', () => {
  const greedy = { temperature: 0, max_tokens: 40, return_token_ids: true }

  it('says the ids of prompt and answer, the end token among them, and they are the text', async () => {
    const { tokenizer, generationConfig } = await tinyChat()
    const found = (await post(server, chat, { ...greedy, messages })).json()
    const [{ token_ids, message, finish_reason }] = found.choices
    expect(found.prompt_token_ids).toHaveLength(found.usage.prompt_tokens)
    expect(token_ids).toHaveLength(found.usage.completion_tokens)
    expect(finish_reason).toBe('stop')
    expect(generationConfig.eosTokenIds).toContain(token_ids.at(-1))
    expect(tokenizer.decode(token_ids.slice(0, -1))).toBe(message.content)
    const completed = (await post(server, completions, { ...greedy, prompt: found.prompt_token_ids })).json()
    expect(completed.choices[0]).toMatchObject({ token_ids, prompt_token_ids: found.prompt_token_ids })
  })

  it('is not told where it was not asked for', async () => {
    const found = (await post(server, chat, { ...greedy, messages, return_token_ids: false })).json()
    expect(found).not.toHaveProperty('prompt_token_ids')
    expect(found.choices[0]).not.toHaveProperty('token_ids')
  })
})

describe('several prompts in one request', () => {
  const greedy = { model: 'stories', temperature: 0, max_tokens: 6 }

  it('are answered as each alone, in their order, texts and ids mixed, with the usage of all', async () => {
    const { tokenizer } = await stories()
    const prompt = ['Once upon a time', tokenizer.encode('The dog'), 'Lily']
    const alone = await Promise.all(
      prompt.map(async (prompt) => (await post(base, completions, { ...greedy, prompt })).json()),
    )
    const together = (await post(base, completions, { ...greedy, prompt, return_token_ids: true })).json()
    expect(together.choices.map(({ index, text }: { index: number; text: string }) => [index, text])).toEqual(
      alone.map(({ choices }, index) => [index, choices[0].text]),
    )
    expect(together.choices[1].prompt_token_ids).toEqual(prompt[1])
    for (const count of ['prompt_tokens', 'completion_tokens', 'total_tokens'])
      expect(together.usage[count]).toBe(alone.reduce((sum, { usage }) => sum + usage[count], 0))
  })

  it('stream as they come, each under its index, with a running usage where that is asked for', async () => {
    const client = new OpenAI({ baseURL: `${base.url}/v1`, apiKey: 'none' })
    const request = { ...greedy, prompt: ['Once upon a time', 'Lily'] }
    const { choices, usage } = await client.completions.create(request)
    const texts = ['', '']
    const running: (number | undefined)[][] = [[], []]
    const stream_options = { include_usage: true, continuous_usage_stats: true }
    let last: OpenAI.Completion | undefined
    for await (const chunk of await client.completions.create({ ...request, stream: true, stream_options })) {
      last = chunk
      for (const { index, text } of chunk.choices) {
        texts[index] += text
        running[index]!.push(chunk.usage?.completion_tokens)
      }
    }
    expect(texts).toEqual(choices.map(({ text }) => text))
    expect(last).toMatchObject({ choices: [], usage })
    for (const counts of running) {
      expect(counts.at(-1)).toBe(6)
      expect(counts).toEqual([...counts].sort((a, b) => a! - b!))
      expect(new Set(counts).size).toBeGreaterThan(4)
    }
  })
})

describe('prompt_logprobs', () => {
  const request = { max_tokens: 1, temperature: 0, prompt_logprobs: 2, return_token_ids: true }

  it('are what the model thought of each token of the prompt, as vLLM has it', async () => {
    const target = await stories()
    const prompt = target.tokenizer.encode('Once upon a time there was a zebra')
    const { choices, usage } = (await post(base, completions, { ...request, prompt })).json()
    const [nothing, ...places] = choices[0].prompt_logprobs
    expect(nothing).toBeNull()
    expect(usage).toEqual({
      prompt_tokens: prompt.length,
      completion_tokens: 1,
      total_tokens: prompt.length + 1,
      prompt_tokens_details: { cached_tokens: 0 },
    })
    const scored = await scorePrompt(target, prompt, { logProbabilities: 2 })
    expect(places).toHaveLength(scored.length)
    for (const [at, { token, logProbability, rank, likeliest }] of scored.entries()) {
      const own = places[at][token]
      expect(own).toEqual({ logprob: logProbability, rank, decoded_token: expect.any(String) })
      expect(Object.keys(places[at])).toHaveLength(rank <= 2 ? 2 : 3)
      for (const [place, one] of likeliest.entries())
        expect(places[at][one.token]).toMatchObject({ logprob: one.logProbability, rank: place + 1 })
    }
    // SentencePiece's space is text, not its mark.
    expect(
      places
        .map((place: Record<string, { decoded_token: string }>, at: number) => place[prompt[at + 1]!]!.decoded_token)
        .join(''),
    ).toBe(' Once upon a time there was a zebra'.slice(places.length < prompt.length - 1 ? 1 : 0))
  })

  it('of a conversation stand beside the choices, and alone cost no answer', async () => {
    const found = (await post(server, chat, { ...request, messages, prompt_logprobs: 0 })).json()
    expect(found.prompt_logprobs).toHaveLength(found.usage.prompt_tokens)
    expect(found.prompt_logprobs[1]).toEqual({
      [found.prompt_token_ids[1]]: {
        logprob: expect.any(Number),
        rank: expect.any(Number),
        decoded_token: expect.any(String),
      },
    })
    const none = (await post(base, completions, { prompt: 'Lily', max_tokens: 0, prompt_logprobs: 0 })).json()
    expect(none).toMatchObject({ choices: [{ text: '', finish_reason: 'length' }], usage: { completion_tokens: 0 } })
  })

  it.each([
    ['prompt_logprobs', { prompt: 'a', prompt_logprobs: 26 }, /at most 25, not 26.*--max-logprobs/],
    ['prompt_logprobs', { prompt: 'a', prompt_logprobs: -1 }, /at least 0/],
    ['prompt_logprobs', { prompt: 'a', prompt_logprobs: 0, stream: true }, /not supported with stream.*as in vLLM/],
    ['logprobs', { prompt: 'a', logprobs: 26 }, /at most 25/],
  ])('(%s) beyond what is given are refused: %o', async (param, body, message) => {
    const { status, json } = await post(base, completions, body)
    expect([status, json().error]).toMatchObject([400, { param, message: expect.stringMatching(message) }])
  })
})

describe('logprobs and echo', () => {
  it('name tokens by their ids, with what was chosen always among them', async () => {
    const asked = { prompt: 'Once upon a time', temperature: 2, seed: 4, max_tokens: 8, logprobs: 1 }
    const request = { ...asked, return_tokens_as_token_ids: true, return_token_ids: true }
    const [{ logprobs, token_ids }] = (await post(base, completions, request)).json().choices
    const names = token_ids.slice(0, logprobs.tokens.length).map((id: number) => `token_id:${id}`)
    expect(logprobs.tokens).toEqual(names)
    expect(logprobs.top_logprobs.map((top: object, at: number) => top[names[at] as never])).toEqual(
      logprobs.token_logprobs,
    )
    expect(logprobs.top_logprobs.some((top: object) => Object.keys(top).length === 2)).toBe(true)
    const found = (
      await post(server, chat, {
        messages,
        max_tokens: 2,
        logprobs: true,
        top_logprobs: 1,
        return_tokens_as_token_ids: true,
      })
    ).json()
    expect(found.choices[0].logprobs.content[0].top_logprobs[0].token).toMatch(/^token_id:\d+$/)
  })

  it('show the prompt before the answer, or alone, with its scores', async () => {
    const prompt = 'Once upon a time'
    const alone = (await post(base, completions, { prompt, echo: true, max_tokens: 0, logprobs: 1 })).json()
    const [{ text, logprobs, finish_reason }] = alone.choices
    expect([text, finish_reason, alone.usage.completion_tokens]).toEqual([prompt, 'length', 0])
    const target = await stories()
    const scored = await scorePrompt(target, target.tokenizer.encode(prompt), { logProbabilities: 1 })
    expect(logprobs.token_logprobs).toEqual([null, ...scored.map(({ logProbability }) => logProbability)])
    expect(logprobs.top_logprobs[0]).toBeNull()
    expect(logprobs.text_offset.at(-1)).toBe(text.lastIndexOf('time') - 1)
    const answered = (
      await post(base, completions, { prompt, echo: true, max_tokens: 3, temperature: 0, logprobs: 1 })
    ).json()
    const [choice] = answered.choices
    expect(choice.text.startsWith(prompt)).toBe(true)
    expect(choice.logprobs.tokens).toHaveLength(scored.length + 1 + 3)
    expect(choice.logprobs.text_offset[scored.length + 1]).toBe(prompt.length)
    const silent = (await post(base, completions, { prompt, echo: true, max_tokens: 0 })).json()
    expect(silent.choices[0]).toMatchObject({ text: prompt, logprobs: null })
  })
})

describe('streams of what is told of prompts', () => {
  it.each(recordedStreams(({ body }) => body.prompt_logprobs === undefined))(
    'say what vLLM said: %s',
    async (_, { path, body, answer }) => {
      const chunks = await chunksOf(base, path, body)
      for (const [index, prompt] of [body.prompt].flat().entries()) {
        const [found, expected] = [together(chunks, index), together(answer, index)]
        // There, ids and an echo exclude each other, and an echo tells the prompt's ids unasked.
        const isBoth = body.echo === true && body.return_token_ids === true
        expect(found.text).toBe(isBoth ? `${prompt}${expected.text}` : expected.text)
        expect(found.ids).toEqual(expected.ids)
        expect(found.promptIds).toEqual(body.return_token_ids ? expected.promptIds : [])
        expect(found.end).toBe(expected.end)
        expect(found.scores).toHaveLength(expected.scores.length)
        for (const [at, score] of expected.scores.entries())
          if (score === null) expect(found.scores[at]).toBeNull()
          else expect(found.scores[at]).toBeCloseTo(score, 4)
        if (body.return_tokens_as_token_ids) expect(found.tokens).toEqual(expected.tokens)
      }
    },
  )

  it.each(recordedStreams(({ status }) => status !== 200))(
    'refuse what vLLM refuses: %s',
    async (_, { path, body, answer, status }) => {
      const refused = await post(base, path, body)
      expect([refused.status, refused.json().error.param]).toEqual([status, answer.error.param])
    },
  )

  it('are the whole answer: ids with an end token among them, an echo and its offsets, an answer without text', async () => {
    const asked = { prompt: 'Once upon a time', temperature: 1.2, seed: 2, return_token_ids: true }
    for (const more of [
      { echo: true, logprobs: 2, max_tokens: 6 },
      { echo: true, logprobs: 2, max_tokens: 0 },
      { echo: true, max_tokens: 6, n: 2 },
      { max_tokens: 6, stop: ['re', 'the'] },
    ]) {
      const whole = (await post(base, completions, { ...asked, ...more })).json()
      const chunks = await chunksOf(base, completions, { ...asked, ...more })
      for (const { index, text, token_ids, prompt_token_ids, logprobs, finish_reason } of whole.choices) {
        const found = together(chunks, index)
        expect([found.text, found.ids, found.end]).toEqual([text, token_ids, finish_reason])
        expect(found.promptIds).toEqual([[0, prompt_token_ids]])
        expect(found.offsets).toEqual(logprobs?.text_offset ?? [])
        expect(found.scores).toEqual(logprobs?.token_logprobs ?? [])
      }
    }
  })

  it('reach the openai client, in chat with the role, an end token among the ids', async () => {
    const client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 })
    const { tokenizer, generationConfig } = await tinyChat()
    const request = {
      ...{ model: 'tiny-chat', temperature: 0, max_tokens: 40, return_token_ids: true },
      messages: [{ role: 'user' as const, content: 'Hello.' }],
    }
    const chunks: OpenAI.ChatCompletionChunk[] = []
    for await (const chunk of await client.chat.completions.create({ ...request, stream: true })) chunks.push(chunk)
    const whole = (await post(server, chat, request)).json()
    const found = together(chunks, 0)
    expect(chunks[0]!.choices[0]!.delta.role).toBe('assistant')
    expect(found.promptIds).toEqual([[0, whole.prompt_token_ids]])
    expect(found.ids).toEqual(whole.choices[0].token_ids)
    expect(generationConfig.eosTokenIds).toContain(found.ids.at(-1))
    expect(found.text).toBe(tokenizer.decode(found.ids.slice(0, -1) as number[]))
    const plain = await chunksOf(server, chat, { ...request, return_token_ids: false })
    expect(together(plain, 0)).toMatchObject({ text: found.text, ids: [], promptIds: [] })
  })

  it('fail with a status where the prompt cannot be scored', async () => {
    const busy = await chatServer({ target: await stories(), name: 'stories', queueLimit: 0 })
    try {
      const body = { echo: true, logprobs: 0, stream: true, max_tokens: 0 }
      const ask = (prompt: string[]) => post(busy, completions, { ...body, prompt })
      // Room for one to be scored, and for none that wait.
      expect([(await ask(['Lily'])).status, (await ask(['Lily', 'Tom'])).status]).toEqual([200, 429])
    } finally {
      await busy.close()
    }
  })
})
