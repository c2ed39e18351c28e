import { testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import type { PretrainedModel } from '../pretrained/index'
import { stories, storiesReference } from '../stories.fixture'
import { ChatTemplate } from '../tokenizer/index'
import { type GenerateOptions, type GenerationResult, generate } from './generate'
import type { Prompt } from './prompt'

/** The whole answer, and the texts that came on the way. */
async function answer(
  model: PretrainedModel,
  prompt: Prompt,
  options: GenerateOptions = {},
): Promise<GenerationResult & { texts: string[] }> {
  const texts: string[] = []
  const tokens = generate(model, prompt, options)
  for await (const { text } of tokens) texts.push(text)
  return { ...(await tokens.result), texts }
}

describe('generate', () => {
  it.each(storiesReference())(
    'gives the 48 greedy tokens of the reference after "$prompt"',
    async ({ prompt, ids, greedy, text }) => {
      const result = await answer(await stories(), prompt, { maxTokens: 48 })
      expect(result.tokens).toEqual(greedy)
      expect(result).toMatchObject({ finishReason: 'length', promptTokens: ids.length })
      expect(result.texts.join('')).toBe(result.text)
      // The reference decodes the answer alone, where a space that begins it is lost.
      expect(result.text).toBe((await stories()).tokenizer.decode([...ids, ...greedy]).slice(prompt.length))
      expect(result.text.trimStart()).toBe(text)
    },
  )

  it('samples the same for the same seed, and otherwise for another', async () => {
    const model = await stories()
    const options = { maxTokens: 24, temperature: 1, topP: 0.95, topK: 50 }
    const [a, b, c] = [
      await answer(model, 'Once', { ...options, seed: 7 }),
      await answer(model, 'Once', { ...options, seed: 7 }),
      await answer(model, 'Once', { ...options, seed: 8 }),
    ]
    expect(a.tokens).toEqual(b.tokens)
    expect(a.tokens).not.toEqual(c.tokens)
  })

  it('ends before a stop text, and lets nothing of it through', async () => {
    const result = await answer(await stories(), 'Once upon a time', { maxTokens: 48, stop: ['Lily. She'] })
    expect(result).toMatchObject({ text: ', there was a little girl named ', finishReason: 'stop' })
    expect(result.texts.join('')).toBe(result.text)
  })

  it('ends at an end token', async () => {
    const model = await stories()
    const { greedy } = storiesReference()[1]!
    const ending = { ...model, generationConfig: { eosTokenIds: [greedy[5]!] } }
    const result = await answer(ending, 'Once upon a time', { maxTokens: 48 })
    expect(result.tokens).toEqual(greedy.slice(0, greedy.indexOf(greedy[5]!) + 1))
    expect(result.finishReason).toBe('stop')
  })

  it('answers a conversation through the chat template, and refuses one without', async () => {
    const model = await stories()
    const chat = {
      ...model,
      chatTemplate: new ChatTemplate('{{ bos_token }}{{ messages[0].content }}', { bos_token: '<s>' }),
    }
    const { greedy } = storiesReference()[1]!
    const result = await answer(chat, [{ role: 'user', content: 'Once upon a time' }], { maxTokens: 8 })
    expect(result.tokens).toEqual(greedy.slice(0, 8))
    await expect(answer(model, [{ role: 'user', content: 'Hi' }])).rejects.toMatchObject({
      message: expect.stringContaining('has no chat template'),
    })
  })

  it('ends with the context, and refuses a prompt that leaves no room', async () => {
    const model = await stories()
    const prompt = Array.from({ length: 508 }, (_, i) => (i === 0 ? 1 : 400 + (i % 20)))
    const full = { ...model, generationConfig: { eosTokenIds: [] } }
    expect(await answer(full, prompt, { maxTokens: 100 })).toMatchObject({
      finishReason: 'length',
      tokens: { length: 4 },
    })
    await expect(answer(model, [...prompt, 1, 1, 1, 1])).rejects.toMatchObject({
      code: 'CONTEXT_OVERFLOW',
      message: expect.stringContaining('The prompt has 512 tokens'),
    })
  })

  it.each([
    ['an empty prompt', [], {}, /The prompt is empty/],
    ['tokens it does not have', [1, 512], {}, /token 512; the model's vocabulary has ids from 0 to 511/],
    ['no room for tokens', 'x', { maxTokens: 0 }, /maxTokens is 0/],
    ['a negative temperature', 'x', { temperature: -1 }, /temperature is -1/],
    ['an empty stop text', 'x', { stop: [''] }, /stop text is empty/],
  ])('refuses %s', async (_, prompt, options, message) => {
    await expect(answer(await stories(), prompt, options)).rejects.toThrow(message)
  })

  it('stops when it is told to', async () => {
    const model = await stories()
    const abort = new AbortController()
    const tokens = generate(model, 'Once', { maxTokens: 100, signal: abort.signal })
    await tokens.next()
    abort.abort()
    await expect(tokens.next()).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it('leaves nothing on the device, however it ends', async () => {
    const model = await stories()
    const device = await testDevice()
    const before = device.memory.liveBytes
    for (let round = 0; round < 50; round++) {
      if (round % 3 === 0) await answer(model, 'Once', { maxTokens: 3 })
      if (round % 3 === 1) for await (const _ of generate(model, 'Once', { maxTokens: 9, temperature: 1 })) break
      if (round % 3 === 2) {
        const signal = AbortSignal.abort()
        await expect(answer(model, 'Once', { signal })).rejects.toMatchObject({ code: 'ABORTED' })
      }
      expect(device.memory.liveBytes).toBe(before)
    }
  })

  it('costs one readback a token', async () => {
    const model = await stories()
    const device = await testDevice()
    const before = device.counters.readbacks
    await answer(model, 'Once', { maxTokens: 10, temperature: 0.5, topP: 0.9 })
    expect(device.counters.readbacks - before).toBe(10)
  })
})
