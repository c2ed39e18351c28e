import { SpeculativeDecoder } from '@outrider/speculative'
import { type GenerateOptions, generate } from '@outrider/transformer'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ListeningServer } from './node/start-server'
import { chatServer, post, shallow, stories } from './server.fixture'

let server: ListeningServer
let client: OpenAI
beforeAll(async () => {
  const target = await stories()
  server = await chatServer({ name: 'stories', target, drafter: shallow(target, 4), maxChoices: 3 })
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none' })
})
afterAll(() => server?.close())

const path = '/v1/completions'
const prompt = 'Once upon a time'
const max_tokens = 6

/** The answer of a model alone, without a draft. */
async function alone(options: GenerateOptions): Promise<string> {
  const target = await stories()
  return (await generate(target, prompt, { maxTokens: max_tokens, ...options }).result).text
}

/** What is drawn with a seed where nothing is drafted. */
async function drawnAlone(seed: number): Promise<string> {
  const target = await stories()
  const decoder = new SpeculativeDecoder({ target, drafter: shallow(target, 4), draftLength: 0 })
  return (await decoder.generate(prompt, { maxTokens: max_tokens, temperature: 1, seed }).result).text
}

describe('fields that change what tokens are drawn from', () => {
  const fields = { presence_penalty: 0.5, frequency_penalty: 1.9, repetition_penalty: 1.2, logit_bias: { 403: 14 } }
  const options = {
    presencePenalty: 0.5,
    frequencyPenalty: 1.9,
    repetitionPenalty: 1.2,
    logitBias: { 403: 14 },
  }

  it.each([0, 3])('say the same of a greedy answer whether %i tokens are drafted or none', async (draft_length) => {
    const { tokens } = await generate(await stories(), prompt, { maxTokens: 3 }).result
    const bias = { 403: 4, [tokens[2]!]: -100 }
    const asked = { prompt, max_tokens, temperature: 0, draft_length, ...fields, logit_bias: bias }
    const { json } = await post(server, path, asked)
    const expected = await alone({ ...options, logitBias: bias })
    expect(json().choices[0].text).toBe(expected)
    expect(expected).not.toBe(await alone({}))
  })

  it('say it of a drawn one, min_p among them', async () => {
    const drawn = { temperature: 1.2, seed: 5, draft_length: 0 }
    const { json } = await post(server, path, { prompt, max_tokens, ...drawn, min_p: 0.3, ...fields })
    expect(json().choices[0].text).toBe(await alone({ temperature: 1.2, seed: 5, minP: 0.3, ...options }))
    const certain = await post(server, path, { prompt, max_tokens, temperature: 2, seed: 5, min_p: 1 })
    expect(certain.json().choices[0].text).toBe(await alone({}))
  })
})

describe('several answers to one prompt', () => {
  const asked = { model: 'stories', prompt, max_tokens, temperature: 1, seed: 7, n: 3 } as const

  it('are drawn by one seed after the other, and the prompt counts once', async () => {
    const { choices, usage } = await client.completions.create({ ...asked, draft_length: 0 } as never as typeof asked)
    const expected = []
    for (const seed of [7, 8, 9]) expected.push(await drawnAlone(seed))
    expect(choices.map(({ index }) => index)).toEqual([0, 1, 2])
    expect(choices.map(({ text }) => text)).toEqual(expected)
    const tokens = (await stories()).tokenizer.encode(prompt).length
    expect(usage).toMatchObject({ prompt_tokens: tokens, completion_tokens: 3 * max_tokens })
  })

  it('stream as they come, each under its index', async () => {
    const { choices } = await client.completions.create(asked)
    const texts = ['', '', '']
    const ends: (string | undefined)[] = []
    for await (const chunk of await client.completions.create({ ...asked, stream: true }))
      for (const { index, text, finish_reason } of chunk.choices) {
        texts[index] += text
        if (finish_reason) ends[index] = finish_reason
      }
    expect(texts).toEqual(choices.map(({ text }) => text))
    expect(new Set(texts).size).toBe(3)
    expect(ends).toEqual(['length', 'length', 'length'])
  })

  it('are given to each of several prompts, those to the first prompt first', async () => {
    const request = { prompt: [prompt, 'Lily'], max_tokens: 4, temperature: 1, seed: 3 }
    const both = (await post(server, path, { ...request, n: 2 })).json()
    const each = []
    for (const [one, seed] of [
      [prompt, 3],
      [prompt, 4],
      ['Lily', 3],
      ['Lily', 4],
    ] as const)
      each.push((await post(server, path, { ...request, prompt: one, seed })).json().choices[0].text)
    expect(both.choices.map(({ text }: { text: string }) => text)).toEqual(each)
  })

  it('are no more than whoever runs the server allows, and begin again behind the largest seed', async () => {
    const { status, json } = await post(server, path, { ...asked, n: 4 })
    expect([status, json().error]).toMatchObject([
      400,
      { param: 'n', message: expect.stringMatching(/at most 3, not 4/) },
    ])
    const { choices } = (
      await post(server, path, { ...asked, n: 2, seed: Number.MAX_SAFE_INTEGER, draft_length: 0 })
    ).json()
    expect(choices[1].text).toBe(await drawnAlone(0))
  })
})
