import type { Device, Tensor } from '@outrider/tensor'
import { testDevice } from '@outrider/tensor/testing'
import { testData } from '@outrider/test-data'
import { loadCausalLM, type PretrainedModel, prefill } from '@outrider/transformer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readDraft } from './read-draft'

let device: Device
let target: PretrainedModel
beforeAll(async () => {
  device = await testDevice()
  target = await loadCausalLM(testData('stories260K'), { device })
})
afterAll(() => target.dispose())

describe('the pass of the target over a draft that may end early', () => {
  it('has the logits of a pass over all of it, to the bit, up to the last proposed token', async () => {
    const { model, config } = target
    const prompt = [1, 403, 407, 261]
    const drafted = [378, 300, 400, 12, 77, 290]
    const rows = drafted.length + 1
    using cache = disposable(model.createCache({ capacity: 16 }))
    prefill(model, cache, prompt).dispose()
    using unread = device.tensor(Uint32Array.of(20), { shape: [1, 1] })
    using tokens = device.tensor(Uint32Array.from(drafted))
    using probabilities = device.empty([drafted.length, config.vocabularySize])
    using count = device.tensor(Uint32Array.of(0))
    const draft = { tokens, probabilities }
    const from = async (logits: Tensor) => {
      cache.truncate(prompt.length)
      return Array.from(await logits.data()) as number[]
    }
    using whole = device.scope(() => readDraft(model, { cache, unread, draft, isRepeated: false }))
    const wanted = await from(whole)
    using recording = device.record(() =>
      readDraft(model, { cache, unread, draft: { ...draft, count }, isRepeated: true }),
    )
    expect(cache.lengths).toEqual([prompt.length + rows])
    const row = (all: number[], i: number) => all.slice(i * config.vocabularySize, (i + 1) * config.vocabularySize)
    for (const [proposed, read] of [
      [6, 7],
      [0, 2],
      [1, 2],
      [2, 4],
      [3, 4],
      [4, 7],
    ] as const) {
      count.write(Uint32Array.of(proposed))
      recording.value.write(new Float32Array(whole.size).fill(-1))
      recording.replay()
      const logits = await from(recording.value)
      for (let i = 0; i <= proposed; i++) expect(row(logits, i)).toEqual(row(wanted, i))
      // On a processor rows behind are not computed.
      if (device.isSoftware) for (let i = read; i < rows; i++) expect(new Set(row(logits, i))).toEqual(new Set([-1]))
    }
  })
})

const disposable = <T extends { dispose(): void }>(value: T): T & Disposable =>
  Object.assign(value, { [Symbol.dispose]: () => value.dispose() })
