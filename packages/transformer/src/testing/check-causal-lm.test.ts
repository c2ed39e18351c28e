import { type Device, multiply, type Tensor } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import type { CausalLM, ForwardOptions } from '../model/index'
import { tinyModel } from '../pretrained/tiny-model.fixture'
import { changedModel } from './changed-model.fixture'
import { checkCausalLM } from './check-causal-lm'

let device: Device
let model: CausalLM
beforeAll(async () => {
  device = await testDevice()
  model = tinyModel(device, { seed: 7 }).model
})

type Forward = CausalLM['forward']

/** The logits, times a number by the options of the pass. */
const times =
  (factor: (tokens: Tensor, options: ForwardOptions) => number | number[][]): Forward =>
  (tokens, options = {}) =>
    device.scope(() => {
      const by = factor(tokens, options)
      const factors = typeof by === 'number' ? by : device.tensor(by.flat(), { shape: [by.length, by[0]!.length, 1] })
      return multiply(model.forward(tokens, options), factors)
    })

const almostOne = 1 + 2 ** -20

describe('a model', () => {
  it('that keeps what CausalLM promises passes, and nothing is left of it', async () => {
    await checkCausalLM(model)
    const before = device.memory.liveBuffers
    await checkCausalLM(model)
    await checkCausalLM(changedModel(model, { isReplayable: false }))
    expect(device.memory.liveBuffers).toBe(before)
  })

  it.each<[string, () => Partial<CausalLM>]>([
    [
      'logits are f32 [batch, rows, vocabulary]',
      () => ({ forward: (tokens, { rows: _, ...options } = {}) => model.forward(tokens, options) }),
    ],
    ['logits are numbers', () => ({ forward: times(() => Number.NaN) })],
    [
      'a row has the same bits however many',
      () => ({ forward: times(({ shape }) => (shape[1] === 13 ? almostOne : 1)) }),
    ],
    [
      'a sequence has the same bits whatever',
      () => ({ forward: times(({ shape }) => (shape[0] === 3 ? almostOne : 1)) }),
    ],
    ['with a cache it computes what', () => ({ forward: times((_, { cache }) => (cache ? 1 : 1.01)) })],
    [
      'prompts of unequal length',
      () => ({ forward: (tokens, { counts: _, ...options } = {}) => model.forward(tokens, options) }),
    ],
    ['rows that are packed', () => ({ packs: true, forward: times((_, { packed }) => (packed ? almostOne : 1)) })],
    [
      'tokens that there is no room for are refused by CONTEXT_OVERFLOW',
      () => ({
        createCache: ({ capacity = 64, ...rest } = {}) => model.createCache({ ...rest, capacity: capacity + 1 }),
      }),
    ],
    [
      // The position's parity is worked out on the host, so that a replay keeps that of the first time.
      'a step that is done again goes on where the cache ends',
      () => ({
        forward: times(({ shape }, { cache, rows, counts }) => {
          const [batch, length] = shape as [number, number]
          return Array.from({ length: batch }, (_, b) => {
            const parity = (row: number) => 1 + (((cache?.lengths[b] ?? 0) + row) % 2)
            if (rows === undefined || rows === 'all') return Array.from({ length }, (_, i) => parity(i))
            const n = rows === 'last' ? 1 : rows
            return Array.from({ length: n }, (_, i) => parity((counts?.[b] ?? length) - n + i))
          })
        }),
      }),
    ],
    [
      'a pass leaves nothing on the device',
      () => ({
        forward(tokens, options) {
          device.zeros([1]).keep()
          return model.forward(tokens, options)
        },
      }),
    ],
  ])('that breaks one is told: %s', async (promise, change) => {
    await expect(checkCausalLM(changedModel(model, change()))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/^The model does not keep a promise: /),
      details: { promise: expect.stringContaining(promise) },
    })
  })
})
