import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { ChatTemplate } from '@outrider/transformer'
import { tool as aiTool, generateText, Output, stepCountIs, streamText } from 'ai'
import OpenAI from 'openai'
import { zodResponseFormat } from 'openai/helpers/zod'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { ListeningServer } from './node/start-server'
import { chatServer, shallow, tinyChat } from './server.fixture'

/** As Hermes has it, in short: the model's context is of 128 tokens. */
const template = `{% for t in tools or [] %}{{ t.function.name }} {% endfor %}{% for m in messages %}[{{ m.role }}]{{ m.content }}{% for c in m.tool_calls or [] %}<tool_call>{{ c.function.name }} {{ c.function.arguments.days }}{% endfor %}{% endfor %}`

const model = 'tiny-chat'
const question = [{ role: 'user' as const, content: 'Hi.' }]
const tool = (name: string, parameters: Record<string, unknown>) => ({
  type: 'function' as const,
  function: { name, parameters },
})
const days = { type: 'object', properties: { days: { type: 'integer', minimum: 1, maximum: 7 } }, required: ['days'] }
const tools = [tool('rain', days), tool('now', { type: 'object', properties: {} })]

let server: ListeningServer
let client: OpenAI

beforeAll(async () => {
  const target = { ...(await tinyChat()), chatTemplate: new ChatTemplate(template) }
  server = await chatServer({ target, drafter: shallow(target, 9), draftLength: 3 })
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 })
})
afterAll(() => server.close())

const ask = (more: object) =>
  client.chat.completions.create({
    model,
    messages: question,
    seed: 1,
    temperature: 1,
    ...more,
  } as never) as Promise<OpenAI.ChatCompletion>

describe('the official openai client', () => {
  it('gets what its schema describes, with a draft or without', async () => {
    const form = z.object({ kind: z.enum(['ode', 'pun']), n: z.number().int().min(1).max(99), sad: z.boolean() })
    for (const [draft_length, temperature] of [
      [0, 0],
      [3, 2],
    ]) {
      const request = { model, messages: question, seed: 5, temperature, draft_length }
      const { choices } = await client.chat.completions.parse({
        ...request,
        response_format: zodResponseFormat(form, 'form'),
      } as never)
      const { finish_reason: reason, message } = choices[0]!
      expect(reason).toBe('stop')
      expect(form.parse(message.parsed)).toEqual(JSON.parse(message.content!))
    }
  })

  it('gets a call of the tool that it names, with arguments that fit, streaming or not', async () => {
    const request = { tools, tool_choice: { type: 'function', function: { name: 'rain' } } }
    const { choices } = await ask(request)
    const { tool_calls: calls, content } = choices[0]!.message
    expect(choices[0]!.finish_reason).toBe('tool_calls')
    expect(content).toBeNull()
    expect(calls).toMatchObject([{ type: 'function', id: expect.stringMatching(/^call_/), function: { name: 'rain' } }])
    const args = (calls![0] as { function: { arguments: string } }).function.arguments
    expect(JSON.parse(args)).toEqual({ days: expect.toSatisfy((days: number) => days >= 1 && days <= 7) })

    const stream = client.chat.completions.stream({
      model,
      messages: question,
      seed: 1,
      temperature: 1,
      ...request,
    } as never)
    const final = await stream.finalChatCompletion()
    expect(final.choices[0]!.finish_reason).toBe('tool_calls')
    expect(final.choices[0]!.message.tool_calls).toMatchObject([{ function: { name: 'rain', arguments: args } }])
  })

  it('gets a call of some tool where one is required, and one alone where it wants no more', async () => {
    const { choices } = await ask({ tools, tool_choice: 'required', parallel_tool_calls: false, temperature: 2 })
    expect(choices[0]!.message.tool_calls).toHaveLength(1)
    expect(['rain', 'now']).toContain(
      (choices[0]!.message.tool_calls![0] as { function: { name: string } }).function.name,
    )
  })

  it('goes on after a call: what was called and what came of it are in the prompt', async () => {
    const call = { id: 'call_1', type: 'function', function: { name: 'rain', arguments: '{"days": 2}' } }
    const messages = [
      ...question,
      { role: 'assistant', content: null, refusal: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'call_1', content: '5 mm' },
    ]
    const { usage } = await ask({ messages, tools: [tools[1]], max_tokens: 2 })
    const { usage: without } = await ask({ messages, tools: [tools[1]], tool_choice: 'none', max_tokens: 2 })
    const { usage: shorter } = await ask({ max_tokens: 2 })
    expect(usage!.prompt_tokens).toBeGreaterThan(without!.prompt_tokens)
    expect(without!.prompt_tokens).toBeGreaterThan(shorter!.prompt_tokens)
  })

  it.each([
    [
      'a schema that is not supported',
      { response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { not: {} } } } },
      'response_format',
      /not is not supported/,
    ],
    [
      'a schema that nothing fits',
      { response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { enum: [1], type: 'string' } } } },
      'response_format',
      /Nothing can be said/,
    ],
    [
      'a schema that explodes',
      { response_format: { type: 'json_schema', json_schema: { name: 'a', schema: nested(70) } } },
      'response_format',
      /too large/,
    ],
    [
      'two hundred tools',
      { tools: Array.from({ length: 200 }, (_, i) => tool(`f${i}`, days)) },
      'tools',
      /more than 128/,
    ],
    ['a tool of a strange name', { tools: [tool('a b', days)] }, 'tools.0.function.name', /letters/],
    ['two tools of one name', { tools: [tools[0], tools[0]] }, 'tools.1', /twice/],
    ['a choice among none', { tool_choice: 'required' }, 'tool_choice', /no tools/],
    [
      'a choice that is not there',
      { tools, tool_choice: { type: 'function', function: { name: 'x' } } },
      'tool_choice',
      /not among/,
    ],
    ['JSON and tools', { tools, response_format: { type: 'json_object' } }, 'response_format', /one answer/],
    ['a message that says nothing', { messages: [{ role: 'user', content: null }] }, 'messages.0.content', /required/],
  ])('is refused %s, and told why', async (_, more, param, message) => {
    await expect(ask(more)).rejects.toMatchObject({ status: 400, param, message: expect.stringMatching(message) })
  })
})

describe('the AI SDK', () => {
  const provider = (supportsStructuredOutputs: boolean) =>
    createOpenAICompatible({
      ...{ name: 'outrider', baseURL: `${server.url}/v1`, includeUsage: true, supportsStructuredOutputs },
    })(model)

  it('gets an object of its schema, and JSON where it is not told that the server takes schemas', async () => {
    const form = z.object({ kind: z.enum(['ode', 'pun']), sad: z.boolean() })
    const asked = { prompt: 'Hi.', seed: 5, temperature: 1 }
    const { output, finishReason } = await generateText({
      ...asked,
      model: provider(true),
      output: Output.object({ schema: form }),
    })
    expect(finishReason).toBe('stop')
    expect(form.parse(output)).toEqual(output)
    // This model's strings have no end: JSON it is all the same, as far as it goes.
    const cut = generateText({ ...asked, seed: 7, model: provider(false), output: Output.json(), maxOutputTokens: 40 })
    await expect(cut).rejects.toMatchObject({ finishReason: 'length', text: expect.stringMatching(/^\s*\{\s*"/) })
  })

  it('runs a tool that the model calls as it streams, answers again, and has the usage of both steps', async () => {
    const asked: number[] = []
    const rain = aiTool({
      inputSchema: z.object({ days: z.number().int().min(1).max(7) }),
      execute: ({ days }) => {
        asked.push(days)
        return `${days} mm`
      },
    })
    const result = streamText({
      ...{ model: provider(true), prompt: 'Hi.', seed: 1, temperature: 1, tools: { rain } },
      prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? { type: 'tool', toolName: 'rain' } : 'none' }),
      stopWhen: stepCountIs(2),
    })
    const kinds: string[] = []
    for await (const { type } of result.fullStream) kinds.push(type)
    expect(kinds).toEqual(expect.arrayContaining(['tool-input-delta', 'tool-call', 'tool-result', 'text-delta']))
    expect(asked).toEqual([expect.toSatisfy((days: number) => days >= 1 && days <= 7)])
    const steps = await result.steps
    expect(steps.map(({ finishReason }) => finishReason === 'tool-calls')).toEqual([true, false])
    const used = steps.map(({ usage }) => usage.outputTokens!)
    expect(Math.min(...used)).toBeGreaterThan(0)
    expect((await result.totalUsage).outputTokens).toBe(used[0]! + used[1]!)
  })
})

function nested(depth: number): object {
  return depth === 0 ? { type: 'integer' } : { type: 'array', items: nested(depth - 1) }
}
