import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { APICallError, generateText, streamText } from 'ai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ListeningServer } from './node/start-server'
import { chatServer, eventually, metric } from './server.fixture'

const prompt = 'Tell me about a friend of yours.'

let server: ListeningServer
let provider: ReturnType<typeof createOpenAICompatible>

beforeAll(async () => {
  server = await chatServer({ apiKey: 'secret' })
  provider = createOpenAICompatible({
    name: 'outrider',
    baseURL: `${server.url}/v1`,
    apiKey: 'secret',
    includeUsage: true,
  })
})
afterAll(() => server.close())

describe("the AI SDK's OpenAI-compatible provider", () => {
  it('generates a text, with the reason of its end and the usage', async () => {
    const { text, finishReason, usage } = await generateText({ model: provider('tiny-chat'), prompt, temperature: 0 })
    expect(text.length).toBeGreaterThan(10)
    expect(finishReason).toBe('stop')
    expect(usage.outputTokens).toBeGreaterThan(5)
    expect(usage.totalTokens).toBe(usage.inputTokens! + usage.outputTokens!)
    const capped = await generateText({ model: provider('tiny-chat'), prompt, temperature: 0, maxOutputTokens: 4 })
    expect(capped).toMatchObject({ finishReason: 'length', usage: { outputTokens: 4 } })
    expect(text.startsWith(capped.text)).toBe(true)
  })

  it('streams the same text in pieces, with the usage', async () => {
    const whole = await generateText({ model: provider('tiny-chat'), prompt, seed: 7, temperature: 1 })
    const { textStream, usage, finishReason } = streamText({
      model: provider('tiny-chat'),
      prompt,
      seed: 7,
      temperature: 1,
    })
    const pieces: string[] = []
    for await (const piece of textStream) pieces.push(piece)
    expect(pieces.length).toBeGreaterThan(3)
    expect(pieces.join('')).toBe(whole.text)
    expect(await finishReason).toBe('stop')
    expect((await usage).outputTokens).toBe(whole.usage.outputTokens)
  })

  it('streams the same text where comments come between', async () => {
    const slow = await chatServer({ headMilliseconds: 0, commentMilliseconds: 1 })
    const model = createOpenAICompatible({ name: 'outrider', baseURL: `${slow.url}/v1` })('tiny-chat')
    const whole = await generateText({ model, prompt, temperature: 0 })
    const pieces: string[] = []
    for await (const piece of streamText({ model, prompt, temperature: 0 }).textStream) pieces.push(piece)
    expect(pieces.length).toBeGreaterThan(3)
    expect(pieces.join('')).toBe(whole.text)
    await slow.close()
  })

  it('speaks with a system message and with turns, and stops at texts', async () => {
    const messages = [
      { role: 'user' as const, content: prompt },
      { role: 'assistant' as const, content: 'Mira lives near the harbour.' },
      { role: 'user' as const, content: [{ type: 'text' as const, text: 'Tell me more.' }] },
    ]
    const request = { model: provider('tiny-chat'), system: 'Be brief.', messages, temperature: 0 }
    const { text } = await generateText(request)
    const stop = text.slice(4, 7)
    expect((await generateText({ ...request, stopSequences: [stop] })).text).toBe(text.slice(0, text.indexOf(stop)))
  })

  it('completes a text', async () => {
    const { text } = await generateText({
      model: provider.completionModel('tiny-chat'),
      prompt: 'Mira',
      maxOutputTokens: 5,
    })
    expect(text).not.toBe('')
  })

  it('aborts a stream, and the server lets go of it', async () => {
    const controller = new AbortController()
    const request = { model: provider('tiny-chat'), prompt, temperature: 2, seed: 1, abortSignal: controller.signal }
    const { textStream } = streamText(request)
    for await (const _ of textStream) controller.abort()
    await eventually('nothing runs', () => server.engine.running === 0)
    expect(server.metrics.render()).toMatch(/request_success_total\{.*finished_reason="abort"\} 1/)
  })

  it('is refused with the wrong key, and for another model, as API errors that say why', async () => {
    const stranger = createOpenAICompatible({ name: 'x', baseURL: `${server.url}/v1`, apiKey: 'guess' })
    const refused = generateText({ model: stranger('tiny-chat'), prompt, maxRetries: 0 })
    await expect(refused).rejects.toThrow(APICallError)
    await expect(refused).rejects.toMatchObject({ statusCode: 401, message: expect.stringContaining('API key') })
    await expect(generateText({ model: provider('gpt-4'), prompt, maxRetries: 0 })).rejects.toMatchObject({
      statusCode: 404,
      message: expect.stringContaining('gpt-4'),
    })
    expect(await metric(server, 'vllm:num_requests_running')).toBeNaN() // the metrics ask for the key, too
  })
})
