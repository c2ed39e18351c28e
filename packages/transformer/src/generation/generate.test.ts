import { expectAllClose, testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import type { PretrainedModel } from '../pretrained/index'
import { stories, storiesReference } from '../stories.fixture'
import { ChatTemplate } from '../tokenizer/index'
import { type GenerateOptions, type GenerationResult, generate } from './generate'
import { generateBatch } from './generate-batch'
import { prefill } from './prefill'
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

describe('generateBatch', () => {
  const prompts = ['Once upon a time', '', 'Lily and Ben went to the park.', 'The dog said: "Hello, café!"']

  it('answers prompts of unequal length, temperature and seed together as each alone', async () => {
    const model = await stories()
    const options = { maxTokens: 16, topP: 0.9 }
    const temperature = [0, 0.7, 1, 0]
    const seed = [1, 2, 3, 4]
    const ids = prompts.map((prompt) => model.tokenizer.encode(prompt))
    const together = await generateBatch(model, ids, { ...options, temperature, seed })
    for (const [b, prompt] of prompts.entries()) {
      const { tokens, text, finishReason } = await answer(model, prompt, {
        ...options,
        temperature: temperature[b],
        seed: seed[b],
      })
      expect(together[b]).toEqual({ tokens, text, finishReason })
    }
  })

  it('ends each answer on its own, at the greedy tokens of the reference', async () => {
    const model = await stories()
    const cases = storiesReference()
    const results = await generateBatch(
      model,
      cases.map(({ ids }) => ids),
      { maxTokens: 48, stop: ['Lily. She'] },
    )
    for (const [b, { prompt, ids, greedy }] of cases.entries()) {
      const text = model.tokenizer.decode([...ids, ...greedy]).slice(prompt.length)
      const end = text.indexOf('Lily. She')
      expect(results[b]!.text).toBe(end < 0 ? text : text.slice(0, end))
      expect(results[b]!.tokens).toEqual(greedy.slice(0, results[b]!.tokens.length))
    }
    expect(results.map(({ finishReason }) => finishReason)).toContain('length')
  })

  it('keeps a full sequence from growing while the others go on', async () => {
    const model = await stories()
    const full = { ...model, generationConfig: { eosTokenIds: [] } }
    const long = Array.from({ length: 508 }, (_, i) => (i === 0 ? 1 : 400 + (i % 20)))
    const results = await generateBatch(full, [long, [1]], { maxTokens: 8 })
    expect(results.map(({ tokens }) => tokens.length)).toEqual([4, 8])
  })

  it('refuses options that do not match the prompts, and answers none with none', async () => {
    const model = await stories()
    expect(await generateBatch(model, [])).toEqual([])
    await expect(generateBatch(model, [[1]], { temperature: [0, 1] })).rejects.toThrow(
      /temperature has 2 values for 1 prompts/,
    )
    await expect(generateBatch(model, [[1], []])).rejects.toThrow(/The prompt is empty/)
  })
})

describe('prefill', () => {
  it('reads prompts longer than a pass as if in one', async () => {
    const { model } = await stories()
    const prompts = [50, 1, 16, 33].map((length, b) => Array.from({ length }, (_, i) => 400 + ((i * 7 + b) % 50)))
    const [whole, parts] = [2048, 64].map((rowsPerPass) => {
      const cache = model.createCache({ batchSize: 4, capacity: 64 })
      const logits = prefill(model, cache, prompts, { rowsPerPass })
      expect(cache.lengths).toEqual([50, 1, 16, 33])
      cache.dispose()
      return logits
    })
    await expectAllClose(parts!, await whole!.data(), { absolute: 1e-4, relative: 0 })
    whole!.dispose()
    parts!.dispose()
  })
})
