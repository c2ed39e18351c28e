import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ListeningServer } from '../node/start-server'
import { chatServer, post, stories, tinyChat } from '../server.fixture'
import { responseFields } from './parse'

const model = 'tiny-chat'
const input = 'Tell me about a friend of yours.'

/** ResponseCreateParamsBase of npm's openai 6.49.0. */
const clientFields = `
  background context_management conversation include input instructions max_output_tokens metadata model moderation
  parallel_tool_calls previous_response_id prompt prompt_cache_key prompt_cache_options prompt_cache_retention reasoning
  safety_identifier service_tier store stream stream_options temperature text tool_choice tools top_logprobs top_p
  truncation user
`

let server: ListeningServer
let client: OpenAI
beforeAll(async () => {
  server = await chatServer()
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 })
})
afterAll(() => server.close())

/** What chat completions answer. */
const answered = async (messages: OpenAI.ChatCompletionMessageParam[], max_tokens = 40) =>
  (await client.chat.completions.create({ model, messages, temperature: 0, max_tokens })).choices[0]!.message.content

describe('/v1/responses, asked by the openai client', () => {
  it('answers a text as a conversation is answered, with the usage', async () => {
    const response = await client.responses.create({ model, input, temperature: 0, max_output_tokens: 40 })
    expect(response.output_text).toBe(await answered([{ role: 'user', content: input }]))
    expect(response).toMatchObject({ object: 'response', status: 'completed', error: null, store: false, model })
    const { usage } = response
    expect(usage!.total_tokens).toBe(usage!.input_tokens + usage!.output_tokens)
    const short = await client.responses.create({ model, input, temperature: 0, max_output_tokens: 3 })
    expect(short).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      usage: { output_tokens: 3 },
    })
  })

  it('takes instructions, lists of messages, and its own items as history', async () => {
    const first = await client.responses.create({ model, input, temperature: 0, max_output_tokens: 20 })
    const again = await client.responses.create({
      model,
      instructions: 'Be brief.',
      input: [
        { role: 'user', content: [{ type: 'input_text', text: input }] },
        ...first.output.filter((item) => item.type === 'message'),
        { role: 'user', content: 'Thanks.' },
      ],
      temperature: 0,
      max_output_tokens: 12,
    })
    const messages: OpenAI.ChatCompletionMessageParam[] = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: input },
      { role: 'assistant', content: first.output_text },
      { role: 'user', content: 'Thanks.' },
    ]
    expect(again.output_text).toBe(await answered(messages, 12))
    expect(again.instructions).toBe('Be brief.')
  })

  it('streams events that its helper puts together to the same response', async () => {
    const asked = { model, input, temperature: 0, max_output_tokens: 12 }
    const whole = await client.responses.create({
      ...asked,
      include: ['message.output_text.logprobs'],
      top_logprobs: 1,
    })
    const types: string[] = []
    const numbers: number[] = []
    const stream = client.responses.stream({ ...asked, include: ['message.output_text.logprobs'], top_logprobs: 1 })
    for await (const event of stream) {
      types.push(event.type)
      numbers.push(event.sequence_number)
    }
    expect(numbers).toEqual(numbers.map((_, at) => at))
    expect(types.filter((type, at) => type !== types[at - 1])).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      `response.${whole.status}`,
    ])
    const final = await stream.finalResponse()
    expect(final.output_text).toBe(whole.output_text)
    expect(final.usage).toEqual(whole.usage)
    const scores = (response: object) =>
      (response as { output: { content: { logprobs: object[] }[] }[] }).output[0]!.content[0]!.logprobs
    expect(scores(whole).length).toBeGreaterThan(4)
    expect(scores(final)).toEqual(scores(whole))
  })

  it.each<[object, string, RegExp]>([
    [{ previous_response_id: 'resp_1' }, 'previous_response_id', /Use input with all messages so far/],
    [{ store: true }, 'store', /keep the response yourself/],
    [{ tools: [{ type: 'web_search' }] }, 'tools.0.type', /The tool "web_search" is not supported/],
    [{ input: [{ type: 'function_call_output', call_id: 'a', output: 'b' }] }, 'input.0.type', /function_call_output/],
    [{ input: [] }, 'input', /at least one message/],
    [
      { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'x' }] }] },
      'input.0.content.0.type',
      /type/,
    ],
    [{ text: { format: { type: 'json_object' } } }, 'text', /not supported/],
    [{ reasoning: { effort: 'high' } }, 'reasoning', /not supported/],
    [{ include: ['file_search_call.results'] }, 'include.0', /include/],
    [{ max_tokens: 5 }, 'max_tokens', /Use max_output_tokens/],
    [{ max_output_tokens: 900 }, 'max_output_tokens', /leave max_output_tokens out/],
    [{ background: true }, 'background', /not supported/],
    [{ top_logprobs: 2 }, 'top_logprobs', /needs include/],
  ])('refuses by name what it does not have: %o', async (more, param, message) => {
    const { status, json } = await post(server, '/v1/responses', { input, ...more })
    expect([status, json().error]).toMatchObject([400, { param, message: expect.stringMatching(message) }])
  })

  it('knows every field of the client, each once', () => {
    const { used, harmless, refused } = responseFields
    const listed = [...used, ...harmless, ...Object.keys(refused)]
    expect(listed).toEqual(expect.arrayContaining(clientFields.trim().split(/\s+/)))
    expect(listed.filter((name, at) => listed.indexOf(name) !== at)).toEqual([])
  })

  it('keeps no response, and says so to who wants one back', async () => {
    await expect(client.responses.retrieve('resp_1')).rejects.toThrow(/none is kept/)
  })
})

describe('/v1/embeddings, asked by the openai client', () => {
  it('are the mean of the last hidden states, of length 1, as numbers and as base64', async () => {
    const { model: lm, tokenizer } = await tinyChat()
    const texts = ['Mira has a dog.', 'A dog runs.']
    const { data, usage } = await client.embeddings.create({ model, input: texts }) // base64, unless it is told otherwise
    const ids = tokenizer.encode(texts[0]!)
    using tokens = lm.device.tensor(Uint32Array.from(ids), { shape: [1, ids.length] })
    using hidden = lm.hidden(tokens)
    const rows = ((await hidden.toArray()) as number[][][])[0]!
    const mean = rows[0]!.map((_, column) => rows.reduce((sum, row) => sum + row[column]!, 0) / rows.length)
    const length = Math.hypot(...mean)
    for (const [column, value] of data[0]!.embedding.entries()) expect(value).toBeCloseTo(mean[column]! / length, 5)
    expect(data.map(({ index }) => index)).toEqual([0, 1])
    expect(usage.prompt_tokens).toBe(ids.length + tokenizer.encode(texts[1]!).length)
    const plain = await client.embeddings.create({ model, input: ids, encoding_format: 'float' })
    expect(plain.data[0]!.embedding).toEqual([...data[0]!.embedding])
  })

  it.each<[object, number, string | null, RegExp]>([
    [{}, 400, 'input', /input/],
    [{ input: '' }, 400, 'input', /empty/],
    [{ input: [] }, 400, 'input', /input/],
    [{ input: [[1], [99_999]] }, 400, 'input.1', /token 99999/],
    [{ input: 'a', encoding_format: 'hex' }, 400, 'encoding_format', /encoding_format/],
    [{ input: 'a', dimensions: 8 }, 400, 'dimensions', /not supported/],
    [{ input: 'a', model: 'other' }, 404, 'model', /does not exist/],
    [{ input: 'goat '.repeat(200) }, 400, 'input', /context is 128/],
    [{ prompt: 'a', input: 'a' }, 400, 'prompt', /Use input/],
  ])('refuse what is wrong: %o', async (body, status, param, message) => {
    const response = await post(server, '/v1/embeddings', body)
    expect(response.json().error).toMatchObject({ param, message: expect.stringMatching(message) })
    expect(response.status).toBe(status)
  })
})

it('a base model holds no conversation, and has embeddings', async () => {
  const base = await chatServer({ target: await stories(), name: 'stories' })
  expect((await post(base, '/v1/responses', { input })).json().error.code).toBe('no_chat_template')
  expect((await post(base, '/v1/embeddings', { input })).json().data[0].embedding).toHaveLength(64)
  await base.close()
})
