import { likeGpu, testDevice } from '@outrider/tensor/testing'
import { describe, expect, it } from 'vitest'
import { randomModel } from '../pretrained/families.fixture'
import type { PretrainedModel } from '../pretrained/index'
import { stories, storiesReference } from '../stories.fixture'
import type { BatchAnswer } from './answer-each'
import { type GenerateOptions, generate } from './generate'
import { generateBatch } from './generate-batch'

async function alone(
  model: PretrainedModel,
  prompt: readonly number[],
  options: GenerateOptions,
): Promise<BatchAnswer> {
  const scored = []
  const generation = generate(model, [...prompt], options)
  for await (const token of generation) if (token.scored) scored.push(token.scored)
  const { tokens, text, finishReason } = await generation.result
  return { tokens, text, finishReason, ...(scored.length > 0 && { scored }) }
}

describe('generateBatch', () => {
  const prompts = ['Once upon a time', '', 'Lily and Ben went to the park.', 'The dog said: "Hello, café!"']

  it('answers prompts of unequal length, temperature and seed together as each alone', async () => {
    const model = await stories()
    const options = { maxTokens: 16, topP: 0.9 }
    const temperature = [0, 0.7, 1, 0]
    const seed = [1, 2, 3, 4]
    const ids = prompts.map((prompt) => model.tokenizer.encode(prompt))
    const together = await generateBatch(model, ids, { ...options, temperature, seed })
    for (const [b, prompt] of ids.entries())
      expect(together[b]).toEqual(
        await alone(model, prompt, { ...options, temperature: temperature[b], seed: seed[b] }),
      )
  })

  it.each([
    ['the adapter as it is', testDevice],
    ['the kernels of a GPU', likeGpu],
  ])(
    'gives each the bits that it has alone, however long the others are: %s',
    async (_, deviceOf) => {
      const device = await deviceOf()
      const small = { architecture: 'llama', hiddenSize: 8, layers: 1, heads: 1, kvHeads: 1 }
      const model = await randomModel(small, device)
      const before = device.memory.liveBytes
      const lengths = [3, 270, 1]
      const ids = lengths.map((length, b) => Array.from({ length }, (_, i) => 5 + ((i * 7 + b) % 500)))
      const options = { maxTokens: 3, logProbabilities: 0 }
      const together = await generateBatch(model, ids, options)
      expect(together.map(({ scored }) => scored!.length)).toEqual(together.map(({ tokens }) => tokens.length))
      for (const [b, prompt] of ids.entries()) expect(together[b]).toEqual(await alone(model, prompt, options))
      expect(device.memory.liveBytes).toBe(before)
      model.dispose()
    },
    240_000,
  )

  it('answers more prompts than fit at once, one after the other, as each alone', async () => {
    const { model, ...rest } = await stories()
    const roomForTwo = Object.create(model, {
      createCache: { value: model.createCache.bind(model) },
      forward: { value: model.forward.bind(model) },
      maxCachePositions: { value: 2 * 64 },
    })
    const ids = prompts.map((prompt) => rest.tokenizer.encode(prompt))
    const answers = await generateBatch({ ...rest, model: roomForTwo }, ids, { maxTokens: 9 })
    for (const [b, prompt] of ids.entries())
      expect(answers[b]).toEqual(await alone({ ...rest, model }, prompt, { maxTokens: 9 }))
    const tooLong = generateBatch({ ...rest, model: roomForTwo }, ids, { maxTokens: 200 })
    await expect(tooLong).rejects.toMatchObject({ code: 'DEVICE_LIMIT' })
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
