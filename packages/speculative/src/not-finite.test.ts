import type { Device, Tensor } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { poison, tinyModel } from '../../transformer/src/pretrained/tiny-model.fixture'
import { SpeculativeDecoder } from './decoder'
import { blockVerification } from './verification/block'
import { readVerdict } from './verification/verify'

let device: Device
beforeAll(async () => {
  device = await testDevice()
})

describe('speculation with a weight that is no number', () => {
  for (const temperature of [0, 1])
    for (const verification of ['token', 'block'] as const)
      it.each([
        ['all ids', {}],
        ['some ids', { coveredIds: [10, 32, 97, 98, 101, 200] }],
      ])(
        `stops and says whose it is (${verification}, temperature ${temperature}, a draft over %s)`,
        async (_, fields) => {
          const target = tinyModel(device, { seed: 1 })
          const draft = tinyModel(device, { seed: 2, ...fields })
          const decoder = new SpeculativeDecoder({ target, drafter: draft, draftLength: 3, verification })
          const answer = async () => {
            const tokens: number[] = []
            for await (const block of decoder.generate([97, 98], { maxTokens: 8, temperature, seed: 2 }))
              tokens.push(...block.tokens)
            return tokens
          }
          expect(await answer()).toHaveLength(8)
          const live = device.memory.liveBuffers
          await poison(draft)
          await expect(answer()).rejects.toMatchObject({
            code: 'NOT_FINITE',
            message: expect.stringMatching(/^The draft /),
          })
          await poison(target)
          await expect(answer()).rejects.toMatchObject({
            code: 'NOT_FINITE',
            message: expect.stringMatching(/^The model /),
          })
          expect(device.memory.liveBuffers).toBe(live)
          for (const model of [target, draft]) model.dispose()
        },
      )

  it('is found in a draft that is too dear to be used, before the first token', async () => {
    const [target, draft] = [tinyModel(device, { seed: 1 }), tinyModel(device, { seed: 2 })]
    await poison(draft)
    for (const temperature of [0, 1]) {
      const live = device.memory.liveBuffers
      const decoder = new SpeculativeDecoder({ target, drafter: draft })
      await expect(decoder.measureCosts({ temperature })).rejects.toMatchObject({
        code: 'NOT_FINITE',
        message: expect.stringMatching(/^The draft /),
      })
      expect(device.memory.liveBuffers).toBe(live)
    }
    for (const model of [target, draft]) model.dispose()
  })
})

describe('verification', () => {
  it('refuses a row that is no distribution, whichever it is', async () => {
    const [gamma, columns] = [3, 5]
    const rows = (count: number, wrong: number | null): Tensor =>
      device.tensor(
        Float32Array.from({ length: count * columns }, (_, i) =>
          Math.floor(i / columns) === wrong ? Number.NaN : 0.2,
        ),
        { shape: [count, columns] },
      )
    const read = async (draft: number | null, target: number | null, tokens = [1, 2, 3]) => {
      using result = device.scope(() =>
        blockVerification.verify({
          p: rows(gamma, draft),
          q: rows(gamma + 1, target),
          tokens: device.tensor(Uint32Array.from(tokens)),
          uniforms: device.tensor(new Float32Array(gamma + 1).fill(0.5)),
        }),
      )
      return readVerdict((await result.data()) as Uint32Array)
    }
    expect((await read(null, null)).accepted).toBe(3)
    for (let row = 0; row < gamma; row++) await expect(read(row, null)).rejects.toThrow(/^The draft/)
    for (let row = 0; row <= gamma; row++) await expect(read(null, row)).rejects.toThrow(/^The target/)
    await expect(read(null, null, [1, 0xffffffff, 3])).rejects.toThrow(/^The draft/)
  })
})
