import type { Device } from '@outrider/tensor'
import { noToken } from '@outrider/tensor/internal'
import { testDevice } from '@outrider/tensor/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import type { PretrainedModel } from '../pretrained/index'
import { poison, tinyModel } from '../pretrained/tiny-model.fixture'
import { ContinuousBatch } from './continuous-batch'
import { generate } from './generate'
import { generateBatch } from './generate-batch'
import { drawnToken } from './sample'

let device: Device
beforeAll(async () => {
  device = await testDevice()
})

/** Whose head has weights of its own: what is no number in an embedding is met only where it is read. */
async function poisoned(weight: string, place: number): Promise<PretrainedModel> {
  const model = tinyModel(device, { tieWordEmbeddings: false })
  await poison(model, { weight, place })
  return model
}

/** A model that is well, until it reads that byte. */
const poisonedAt = (byte: number) => poisoned('model.embed_tokens.weight', byte * 16 + 3)

const refused = {
  code: 'NOT_FINITE',
  message: expect.stringContaining('The model computes logits that are no numbers'),
}
const settings = [{ temperature: 0 }, { temperature: 1, seed: 4 }, { temperature: 0.8, topP: 0.9, topK: 20, seed: 4 }]

describe('a model whose logits are no numbers', () => {
  it('answers nothing, greedy or drawn, and its memory comes back', async () => {
    const model = await poisonedAt(98)
    const live = device.memory.liveBuffers
    const answer = async (prompt: number[], options: object) => {
      const tokens: number[] = []
      for await (const { token } of generate(model, prompt, { maxTokens: 2, ...options })) tokens.push(token)
      return tokens
    }
    for (const options of settings) {
      await expect(answer([97, 98, 99], options)).rejects.toMatchObject(refused)
      await expect(answer([97, 98, 99], { ...options, logProbabilities: 2 })).rejects.toMatchObject(refused)
      expect(await answer([97, 99], options)).toHaveLength(2)
    }
    expect(device.memory.liveBuffers).toBe(live)
    model.dispose()
  })

  it('is found whichever of its weights it is', async () => {
    const sound = await poisonedAt(0)
    const names = Object.keys(sound.model.parameters)
    sound.dispose()
    for (const name of names) {
      const model = await poisoned(name, 1)
      // The byte 0 is the one whose embedding it is.
      for (const temperature of [0, 1])
        await expect(generateBatch(model, [[0, 97]], { maxTokens: 1, temperature }), name).rejects.toMatchObject(
          refused,
        )
      model.dispose()
    }
  })

  it('is found by one prompt among many', async () => {
    const model = await poisonedAt(98)
    const prompts = [[97], [99, 100], [98], [101]]
    for (const options of settings) {
      await expect(generateBatch(model, prompts, { maxTokens: 2, ...options })).rejects.toMatchObject(refused)
      const batch = new ContinuousBatch(model)
      for (const prompt of prompts) batch.join(prompt, { maxTokens: 2, ...options })
      await expect(batch.step()).rejects.toMatchObject(refused)
      batch.dispose()
    }
    model.dispose()
  })
})

describe('a sequence of a batch after whose tokens logits are no numbers', () => {
  it('fails alone where somebody is told, and neither others nor whoever has its place next notice', async () => {
    const model = await poisonedAt(98)
    const live = device.memory.liveBuffers
    const never = { logitBias: { 98: -100 } }
    // As long as each other, and longer than who comes next: what is behind a text, nobody reads.
    const long = (byte: number) =>
      Array.from({ length: 20 }, (_, i) => (i === 3 ? byte : 97 + (i % 4 === 1 ? 5 : i % 4)))
    for (const options of settings) {
      const batch = new ContinuousBatch(model, { size: 4 })
      const failed: unknown[] = []
      batch.onFailure = (sequence, error) => failed.push([sequence, error])
      const asked = { ...options, ...never, maxTokens: 12, logProbabilities: 1 }
      const join = (prompt: number[]) => ({ prompt, sequence: batch.join(prompt, asked) })
      const others = [long(99), [97]].map(join)
      const { sequence } = join(long(98))
      for (let i = 0; i < 2; i++) await batch.step()
      expect(failed).toEqual([[sequence, expect.objectContaining(refused)]])
      expect(batch.count).toBe(2)
      others.push(...[[99, 97], [100]].map(join))
      while (batch.count > 0) await batch.step()
      for (const { prompt, sequence } of others)
        expect(sequence.answer.tokens).toEqual((await generate(model, prompt, asked).result).tokens)
      expect(failed).toHaveLength(1)
    }
    expect(device.memory.liveBuffers).toBe(live)
    model.dispose()
  })
})

it('an id that was drawn is that id', () => {
  expect(drawnToken(7)).toBe(7)
  expect(() => drawnToken(noToken)).toThrow(/no numbers/)
})
